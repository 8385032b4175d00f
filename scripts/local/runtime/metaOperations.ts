/** What a function may ask about itself, its request and its deployment. */
import { Refusal } from "./errors";
import { canonicalName, displayName } from "./names";
import { type FunctionAddress, functionName, HANDLE_PREFIX } from "./address";
import type { Operation } from "./syscalls";

export const metaOperations: Record<string, Operation> = {
  // Identities come with live queries and their authentication.
  "1.0/getUserIdentity": (call) => {
    call.useIdentity();
    return "null";
  },
  "1.0/getTransactionMetrics": (call) => {
    if (call.tx === null) throw new Refusal("Unknown async operation 1.0/getTransactionMetrics");
    return JSON.stringify(call.tx.metrics());
  },
  "1.0/getFunctionMetadata": (call) =>
    JSON.stringify({ name: displayName(call.entry.name), componentPath: "" }),
  "1.0/getDeploymentMetadata": (call) =>
    JSON.stringify({ name: call.host.deploymentName, region: null, class: "s16" }),
  "1.0/getRequestMetadata": (call) => {
    if (call.kind === "query") throw new Refusal("Cannot get request metadata in a Query");
    return JSON.stringify({ ...call.request, authToken: null });
  },
  "1.0/createFunctionHandle": (call, address: FunctionAddress) => {
    const name = canonicalName(functionName(address));
    if (call.host.functions.find(name) === undefined) {
      throw new Refusal(`Could not find function '${displayName(name)}'.`);
    }
    return JSON.stringify(HANDLE_PREFIX + encodeURIComponent(name));
  },
};
