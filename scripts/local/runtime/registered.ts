/** What the `convex` package puts on a registered function, as the deployment describes it. */
import type { JSONValue } from "convex/values";
import { messageOf, Problem } from "../problem";
import { displayName } from "./names";

export type FunctionKind = "query" | "mutation" | "action";
export type FunctionDescription = {
  /** `folder/file:export` */
  name: string;
  kind: FunctionKind;
  isPublic: boolean;
  /** Null where anything goes. */
  args: JSONValue | null;
  returns: JSONValue | null;
};
export type Invoke = (argsText: string) => Promise<string>;

type Registered = {
  isQuery?: boolean;
  isMutation?: boolean;
  isAction?: boolean;
  isInternal?: boolean;
  invokeQuery(args: string): Promise<string>;
  invokeMutation(args: string): Promise<string>;
  invokeAction(requestId: string, args: string): Promise<string>;
  exportArgs(): string;
  exportReturns(): string;
};

/** The functions among a module's exports, and how each is entered. */
export function functionsIn(
  module: string,
  exports: Record<string, unknown>,
): { description: FunctionDescription; invoke: Invoke }[] {
  return Object.entries(exports).flatMap(([key, value]) => {
    if (typeof value !== "function") return [];
    const registered = value as unknown as Registered;
    const kind = kindOf(registered);
    if (kind === null) return [];
    const name = `${module}:${key}`;
    return [{ description: describe(name, kind, registered), invoke: invokerOf(registered, kind) }];
  });
}

function describe(name: string, kind: FunctionKind, registered: Registered): FunctionDescription {
  try {
    const args = JSON.parse(registered.exportArgs()) as { type: string };
    const returns = JSON.parse(registered.exportReturns()) as { type: string } | null;
    return {
      name,
      kind,
      isPublic: registered.isInternal !== true,
      args: args.type === "any" ? null : args,
      returns: returns === null || returns.type === "any" ? null : returns,
    };
  } catch (error) {
    throw new Problem(`${displayName(name)}: ${messageOf(error)}`);
  }
}

function kindOf(registered: Registered): FunctionKind | null {
  if (registered.isQuery === true) return "query";
  if (registered.isMutation === true) return "mutation";
  return registered.isAction === true ? "action" : null;
}

function invokerOf(registered: Registered, kind: FunctionKind): Invoke {
  switch (kind) {
    case "query":
      return (args) => registered.invokeQuery(args);
    case "mutation":
      return (args) => registered.invokeMutation(args);
    case "action":
      // The request is known from the call that is running.
      return (args) => registered.invokeAction("", args);
  }
}
