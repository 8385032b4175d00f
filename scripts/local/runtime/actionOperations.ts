/** What an action asks of its host: other functions, each in a transaction of its own. */
import type { JSONValue } from "convex/values";
import { type FunctionAddress, functionName } from "./address";
import type { Call } from "./call";
import type { FunctionKind } from "./modules";
import type { Operation } from "./syscalls";
import { cancelFromAction, scheduleFromAction } from "../scheduler/jobs";

type CallArgs = FunctionAddress & { args: JSONValue };

function runner(kind: FunctionKind): Operation {
  return (call: Call, args: CallArgs) =>
    call.host.run(kind, functionName(args), args.args, call.request, "all");
}

export const actionOperations: Record<string, Operation> = {
  "1.0/actions/query": runner("query"),
  "1.0/actions/mutation": runner("mutation"),
  "1.0/actions/action": runner("action"),
  "1.0/actions/schedule": scheduleFromAction,
  "1.0/actions/cancel_job": cancelFromAction,
};
