/** A function called by another in the same transaction: `ctx.runQuery` and `ctx.runMutation`. */
import type { JSONValue } from "convex/values";
import type { Metrics } from "../database/types";
import { type FunctionAddress, functionName } from "./address";
import { Call } from "./call";
import { Refusal } from "./errors";
import { checkArgs, checkReturn } from "./check";
import { execute } from "./execute";
import { resolveFunction } from "./modules";
import { behindGate } from "./syscalls";

type NestedArgs = FunctionAddress & {
  udfType: "query" | "mutation" | "snapshotQuery";
  args: JSONValue;
  transactionLimits?: Partial<Record<keyof Metrics, number>>;
};

const MAX_DEPTH = 8;

export function runNested(call: Call, args: NestedArgs): string | Promise<string> {
  const { udfType } = args;
  if (udfType !== "query" && call.kind !== "mutation") {
    throw new Refusal(`Cannot call a ${udfType} function from a ${call.kind} function`);
  }
  const name = functionName(args);
  if (udfType === "snapshotQuery") {
    // What was durable when the mutation began, without its own writes.
    return call.host.run("query", name, args.args, call.request, "all");
  }
  if (call.gate !== null) return runInside(call, name, udfType, args);
  return behindGate(call, () => runInside(call, name, udfType, args));
}

async function runInside(
  call: Call,
  name: string,
  kind: "query" | "mutation",
  args: NestedArgs,
): Promise<string> {
  const { host, tx } = call;
  if (tx === null) throw new Refusal("runUdf needs a transaction");
  const entry = resolveFunction(call.functions, name, kind, "all");
  const argsText = checkArgs(entry, args.args, host.tableName);
  if (call.depth >= MAX_DEPTH) {
    throw new Refusal(
      "Cross component call depth limit exceeded. Do you have an infinite loop in your app?",
    );
  }
  const nested = new Call(host, kind, entry, call.request, tx, call);
  const savepoint = tx.savepoint(args.transactionLimits);
  try {
    const result = await execute(nested, argsText);
    checkReturn(entry, result, host.tableName);
    savepoint.release();
    call.scheduledFor = Math.min(call.scheduledFor, nested.scheduledFor);
    call.writtenTable ??= nested.writtenTable;
    return result;
  } catch (error) {
    savepoint.rollback();
    throw error;
  }
}
