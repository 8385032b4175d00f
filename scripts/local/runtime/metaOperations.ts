/** What a function may ask about itself, its request and its deployment. */
import { AuthenticationError } from "../identity";
import type { SignOptions } from "../identity/signingKey";
import type { Call } from "./call";
import { Refusal } from "./errors";
import { canonicalName, displayName } from "./names";
import { type FunctionAddress, functionName, HANDLE_PREFIX } from "./address";
import type { Operation } from "./syscalls";

export const metaOperations: Record<string, Operation> = {
  "1.0/getUserIdentity": (call) => {
    const identity = call.readIdentity();
    if (identity instanceof AuthenticationError) throw new Refusal(refusedIdentity(identity));
    return JSON.stringify(identity?.user ?? null);
  },
  "1.0/signJwt": (call, { claims, expiresInSeconds }: SignOptions) => {
    if (call.kind !== "mutation") throw new Refusal("Only mutations can sign JWTs");
    return signed(call, claims === undefined ? { expiresInSeconds } : { claims, expiresInSeconds });
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
    const { requestId, ip, userAgent, scheduledFunctionId, identity } = call.request;
    const authToken = identity instanceof AuthenticationError ? null : (identity?.token ?? null);
    return JSON.stringify({ requestId, ip, userAgent, scheduledFunctionId, authToken });
  },
  "1.0/createFunctionHandle": (call, address: FunctionAddress) => {
    const name = canonicalName(functionName(address));
    if (call.functions.find(name) === undefined) {
      throw new Refusal(`Could not find function '${displayName(name)}'.`);
    }
    return JSON.stringify(HANDLE_PREFIX + encodeURIComponent(name));
  },
};

async function signed(call: Call, options: SignOptions): Promise<string> {
  return JSON.stringify(await call.host.signingKey.sign(options, call.startedAt));
}

function refusedIdentity({ code, message }: AuthenticationError): string {
  return JSON.stringify({ code, message });
}
