/**
 * The rows of `_scheduled_functions`: what `ctx.scheduler` writes, in the transaction that calls
 * it, and what the scheduler makes of them. `ctx.db.system` reads them.
 */
import type { JSONValue } from "convex/values";
import { hasPlaceholder } from "../database/documents";
import type { DocumentText, RangeBoundJson, Transaction } from "../database/types";
import { type FunctionAddress, functionName } from "../runtime/address";
import type { Call, RequestInfo } from "../runtime/call";
import { Refusal } from "../runtime/errors";
import type { Host } from "../runtime/host";
import { canonicalName } from "../runtime/names";

const TABLE = "_scheduled_functions";

export type JobState =
  | { kind: "pending" }
  | { kind: "inProgress" }
  | { kind: "success" }
  | { kind: "failed"; error: string }
  | { kind: "canceled" };
export type Job = {
  _id: string;
  name: string;
  args: JSONValue[];
  scheduledTime: number;
  completedTime?: number;
  state: JobState;
};

type ScheduleArgs = FunctionAddress & { ts: number; args: JSONValue };

const FIVE_YEARS_MS = 5 * 366 * 24 * 3_600_000;

export function scheduleIn(call: Call, args: ScheduleArgs): string {
  if (call.tx === null) throw new Refusal("schedule needs a mutation");
  const { id, due } = insertJob(call.host, call.tx, call.request, args);
  call.scheduledFor = Math.min(call.scheduledFor, due);
  return JSON.stringify(id);
}

export async function scheduleFromAction(call: Call, args: ScheduleArgs): Promise<string> {
  const { host, request } = call;
  const { value } = await host.database.mutation(async (tx) => insertJob(host, tx, request, args));
  host.onScheduled(value.due);
  return JSON.stringify(value.id);
}

export async function cancelFromAction(call: Call, { id }: { id: string }): Promise<string> {
  await call.host.database.mutation(async (tx) => {
    cancelIn(tx, id);
  });
  return "null";
}

function insertJob(
  host: Host,
  tx: Transaction,
  request: RequestInfo,
  args: ScheduleArgs,
): { id: string; due: number } {
  const name = canonicalName(functionName(args));
  requireFunction(host, name);
  const due = args.ts * 1_000;
  const ahead = due - Date.now();
  if (Math.abs(ahead) > FIVE_YEARS_MS) {
    const when = new Date(due).toISOString();
    throw new Refusal(`${when} is more than 5 years in the ${ahead > 0 ? "future" : "past"}`);
  }
  const argsText = JSON.stringify(args.args);
  if (hasPlaceholder(argsText)) {
    throw new Refusal(
      "It is not possible to schedule a function with the commit timestamp as an argument",
    );
  }
  tx.countScheduled(argsText.length);
  // What a canceled job still schedules is canceled with it.
  const parent = request.scheduledFunctionId;
  const canceled = parent !== null && readJob(tx, parent)?.state.kind === "canceled";
  const id = tx.system.insert(TABLE, {
    name: storedName(name),
    args: [args.args],
    scheduledTime: due,
    ...(canceled ? { completedTime: Date.now() } : {}),
    state: { kind: canceled ? "canceled" : "pending" },
  });
  return { id, due: canceled ? Infinity : due };
}

function requireFunction(host: Host, name: string): void {
  if (host.functions.find(name) !== undefined) return;
  const [path = "", key = ""] = name.split(":");
  throw new Refusal(
    host.functions.hasModule(path)
      ? `Attempted to schedule function, but no exported function ${key} found in the file: ${path}.js. Did you forget to export it?`
      : `Attempted to schedule function at nonexistent path: ${path}.js`,
  );
}

/** Convex shows the name with the module's extension. */
function storedName(name: string): string {
  return name.replace(":", ".js:");
}

/** A job that has not ended will not begin; one that runs is not stopped, but what it schedules is. */
export function cancelIn(tx: Transaction, id: string): void {
  if (tx.normalizeId(TABLE, id) === null) {
    throw new Refusal(
      `Invalid argument \`id\` for \`scheduler.cancel\`: '${id}' is not the ID of a scheduled function`,
    );
  }
  const job = readJob(tx, id);
  if (job?.state.kind === "pending" || job?.state.kind === "inProgress") {
    endJob(tx, id, { kind: "canceled" }, Date.now());
  }
}

export function readJob(tx: Transaction, id: string): Job | null {
  const text = tx.get(id);
  return text === null ? null : parseJob(text);
}

export function beginJob(tx: Transaction, id: string): boolean {
  if (readJob(tx, id)?.state.kind !== "pending") return false;
  tx.system.shallowMerge(id, { state: { kind: "inProgress" } });
  return true;
}

/** Ends a job that has not ended otherwise: one that was canceled as it ran stays canceled. */
export function completeJob(tx: Transaction, id: string, state: JobState, now: number): void {
  const kind = readJob(tx, id)?.state.kind;
  if (kind === "pending" || kind === "inProgress") endJob(tx, id, state, now);
}

function endJob(tx: Transaction, id: string, state: JobState, now: number): void {
  tx.system.shallowMerge(id, { state, completedTime: now });
}

/** Jobs in that state, the earliest due first; read only as far as one goes on asking. */
export function* jobsIn(tx: Transaction, kind: "pending" | "inProgress"): Generator<Job> {
  const range: RangeBoundJson[] = [{ type: "Eq", fieldPath: "state.kind", value: kind }];
  yield* jobsBy(tx, `${TABLE}.by_due`, range);
}

export function* jobsEndedBefore(tx: Transaction, time: number): Generator<Job> {
  const fieldPath = "completedTime";
  yield* jobsBy(tx, `${TABLE}.by_completed`, [
    { type: "Gt", fieldPath, value: null },
    { type: "Lt", fieldPath, value: time },
  ]);
}

function* jobsBy(tx: Transaction, indexName: string, range: RangeBoundJson[]): Generator<Job> {
  const source = { type: "IndexRange" as const, indexName, range, order: "asc" as const };
  for (const text of tx.system.query({ source, operators: [] })) yield parseJob(text);
}

function parseJob(text: DocumentText): Job {
  return JSON.parse(text) as Job;
}
