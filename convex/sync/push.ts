import type { TransactionLimits, TransactionMetrics } from "convex/server";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import type { Caller } from "../kit/caller";
import { jobScopeOf, type WriteScope } from "../ontology/effects";
import { rankOf, syncedTypes } from "../ontology/syncedTypes";
import { isFull, type Outcome, refusalIn } from "./apply";
import {
  type ChangeError,
  clientIdsOf,
  type PushedChange,
  type ReadChange,
  readChange,
} from "./change";
import type { Decided } from "./decide";
import { type Device, requireOwnDevice } from "./devices";
import type { Aliases } from "./naming";

/**
 * A push is one transaction, and each of its changes a part of it that happens whole or not at all.
 * What is left of the transaction's limits, less this share, is for the changes; the rest is for what
 * a push writes of itself.
 */
const SHARE_OF_PUSH = 0.1;
/** Characters of JSON that a push carries out: more takes longer than the second that Convex gives it. */
const CARRIED_OUT = 2 * 1024 * 1024;

export type Status = "applied" | "conflict" | "refused" | "duplicate";
export type PushResult = { changeId: string; status: Status } & Partial<Decided> & {
    error?: ChangeError;
  };

/** Who pushes: a device of a member of staff, or an integration under a name of its own choosing. */
export type Pusher = { key: string; deviceId: string; device: Device | null };

export async function pusherOf(ctx: QueryCtx, caller: Caller, deviceId: string): Promise<Pusher> {
  if (caller.kind !== "user")
    return { key: `key:${caller.id}:${deviceId}`, deviceId, device: null };
  const device = await requireOwnDevice(ctx, caller, deviceId);
  return { key: `device:${device._id}`, deviceId, device };
}

type Sent = { changeId: string };
type Pending = { index: number; change: PushedChange };

/** The results are in the order of the changes. */
export async function push(
  ctx: MutationCtx,
  scope: WriteScope,
  caller: Caller,
  pusher: Pusher,
  sent: readonly Sent[],
  timeZone: string,
): Promise<PushResult[]> {
  const before = await decidedBefore(ctx, pusher, sent);
  const results = new Map<number, PushResult>();
  const pending: Pending[] = [];
  const taken = new Map<string, number>();
  for (const [index, item] of sent.entries()) {
    const { changeId } = item;
    const known = before.get(changeId);
    const read: ReadChange | null = known ? null : readChange(item, timeZone);
    if (known) results.set(index, { changeId, status: "duplicate", ...known });
    else if (taken.has(changeId)) continue;
    else if (read && "error" in read) results.set(index, refused(changeId, read.error));
    else if (read) {
      taken.set(changeId, index);
      pending.push({ index, change: read.change });
    }
  }
  const run = { ctx, scope, caller, pusher, aliases: await aliasesOf(ctx, scope, pending) };
  const ordered = inOrder(pending);
  const fits = fitting(ordered);
  const carriedOut = await carryOut(run, ordered.slice(0, fits));
  const decided = [...carriedOut, ...ordered.slice(fits).map(tooLarge)];
  for (const [place, { index }] of ordered.entries()) {
    const result = decided[place];
    if (result) results.set(index, result);
  }
  const all = sent.map(({ changeId }, index) => {
    const own = results.get(index);
    if (own) return own;
    const first = results.get(taken.get(changeId) ?? -1);
    if (!first) throw new Error(`Change ${changeId} was not decided.`);
    return first.status === "refused" ? first : { ...first, status: "duplicate" as const };
  });
  await logPush(ctx, scope, pusher, all);
  return all;
}

type Run = {
  ctx: MutationCtx;
  scope: WriteScope;
  caller: Caller;
  pusher: Pusher;
  aliases: Aliases;
};

/** How many of the changes, from the first one on, are for this push. */
function fitting(pending: readonly Pending[]): number {
  let size = 0;
  const tooMany = pending.findIndex(({ change }, place) => {
    size += JSON.stringify(change).length;
    return place > 0 && size > CARRIED_OUT;
  });
  return tooMany === -1 ? pending.length : tooMany;
}

/** The results are in the order of the changes. */
async function carryOut(run: Run, pending: readonly Pending[]): Promise<PushResult[]> {
  const results: PushResult[] = [];
  let rest = pending;
  while (rest.length > 0) {
    const metrics = await run.ctx.meta.getTransactionMetrics();
    if (isFull(metrics)) return [...results, ...rest.map(tooLarge)];
    const attempted = await attempt(run, rest, limitsWithin(metrics));
    if ("done" in attempted) {
      results.push(...attempted.done);
    } else {
      // Those before it were rolled back with it, and fit without it.
      const { refusedAt, error } = attempted;
      results.push(...(await carryOut(run, rest.slice(0, refusedAt))));
      const changeId = rest[refusedAt]?.change.changeId ?? "";
      results.push(refused(changeId, error));
    }
    rest = pending.slice(results.length);
  }
  return results;
}

type Attempted = { done: PushResult[] } | { refusedAt: number; error: ChangeError };

/** Carries out the first of the changes, as many as fit, in one nested transaction. */
async function attempt(
  { ctx, scope, caller, pusher, aliases }: Run,
  pending: readonly Pending[],
  transactionLimits: TransactionLimits,
): Promise<Attempted> {
  const changes = pending.map(({ change }) => change);
  const args = {
    scope: { ...jobScopeOf(scope), deviceId: pusher.deviceId },
    ...(scope.member === undefined ? {} : { member: scope.member }),
    device: pusher.key,
    grants: [...caller.grants],
    changes: JSON.stringify(changes),
    aliases,
  };
  let outcomes: Outcome[];
  try {
    outcomes = await ctx.runMutation(internal.sync.apply.run, args, { transactionLimits });
  } catch (failure) {
    const refusal = refusalIn(failure);
    if (!refusal) throw failure;
    return refusal;
  }
  const done = outcomes.map((outcome, place): PushResult => {
    const { changeId = "", clientId } = changes[place] ?? {};
    if ("error" in outcome) return { changeId, status: "refused", error: outcome.error };
    if (clientId !== undefined) aliases[clientId] = outcome.id;
    const status = outcome.conflictId === undefined ? "applied" : "conflict";
    return { changeId, status, ...outcome };
  });
  return { done };
}

function limitsWithin(metrics: TransactionMetrics): TransactionLimits {
  const limits = Object.entries(metrics).map(([metric, { remaining }]) => [
    metric,
    Math.floor(remaining * (1 - SHARE_OF_PUSH)),
  ]);
  return Object.fromEntries(limits) as TransactionLimits;
}

/** What a change refers to comes before it; deletions come last, and in the reverse order. */
function inOrder(pending: readonly Pending[]): Pending[] {
  const place = ({ change: { op, type } }: Pending): number =>
    op === "upsert" ? rankOf(type) : 1000 - rankOf(type);
  return [...pending].sort((a, b) => place(a) - place(b) || a.index - b.index);
}

async function decidedBefore(
  ctx: QueryCtx,
  { key }: Pusher,
  sent: readonly Sent[],
): Promise<Map<string, Decided>> {
  const ids = [...new Set(sent.map(({ changeId }) => changeId))];
  const rows = await Promise.all(
    ids.map(
      async (changeId) =>
        await ctx.db
          .query("syncedChanges")
          .withIndex("by_changeId", (q) => q.eq("device", key).eq("changeId", changeId))
          .unique(),
    ),
  );
  return new Map(
    rows.flatMap((row): [string, Decided][] => {
      if (!row) return [];
      const { changeId, objectId: id, version, winner, conflictId } = row;
      const conflict = conflictId === undefined ? {} : { conflictId };
      return [[changeId, { id, version, ...(winner ? { winner } : {}), ...conflict }]];
    }),
  );
}

/** What the changes' clientIds mean by now; each is looked up once. */
async function aliasesOf(
  ctx: QueryCtx,
  { organizationId }: WriteScope,
  pending: readonly Pending[],
): Promise<Aliases> {
  const named = pending.flatMap(({ change }) =>
    clientIdsOf(change, syncedTypes[change.type].references),
  );
  const rows = await Promise.all(
    [...new Set(named)].map(
      async (clientId) =>
        await ctx.db
          .query("clientIds")
          .withIndex("by_clientId", (q) =>
            q.eq("organizationId", organizationId).eq("clientId", clientId),
          )
          .unique(),
    ),
  );
  const known = rows.filter((row): row is Doc<"clientIds"> => row !== null);
  return Object.fromEntries(
    known.map(({ clientId, objectId }): [string, Id<"objects">] => [clientId, objectId]),
  );
}

function tooLarge({ change: { changeId } }: Pending): PushResult {
  const message = "The push is too large for one transaction; send the rest of it again.";
  return refused(changeId, { code: "PAYLOAD_TOO_LARGE", message, details: null });
}

function refused(changeId: string, error: ChangeError): PushResult {
  return { changeId, status: "refused", error };
}

async function logPush(
  ctx: MutationCtx,
  { organizationId, actor, traceId }: WriteScope,
  { key, device }: Pusher,
  results: readonly PushResult[],
): Promise<void> {
  const at = Date.now();
  const count = (status: Status): number =>
    results.filter((result) => result.status === status).length;
  if (device) await ctx.db.patch("devices", device._id, { lastSeenAt: at, lastPushAt: at });
  const { databaseQueries } = await ctx.meta.getTransactionMetrics();
  await ctx.db.insert("syncLogs", {
    ...{ organizationId, device: key, actor, at, traceId },
    indexRanges: databaseQueries.used,
    changes: results.length,
    applied: count("applied"),
    conflicts: count("conflict"),
    refused: count("refused"),
    duplicates: count("duplicate"),
  });
}
