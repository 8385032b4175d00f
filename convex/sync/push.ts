import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import type { Caller } from "../kit/caller";
import { errorDataOf } from "../kit/errors";
import type { WriteScope } from "../ontology/effects";
import { rankOf, syncedTypes } from "../ontology/syncedTypes";
import type { Aliases, Decided } from "./apply";
import {
  type ChangeError,
  changeErrorOf,
  clientIdsOf,
  type PushedChange,
  type ReadChange,
  readChange,
} from "./change";
import { type Device, requireOwnDevice } from "./devices";

/**
 * A push is one transaction, and each of its changes a part of it that happens whole or not at all.
 * They are carried out in groups, each a nested transaction; only where one is refused are those of
 * its group carried out one by one.
 */
const GROUP_SIZE = 10;

/** Shares of a transaction's limits beyond which the rest of a push is for another one. */
const MAX_SHARE = 0.75;

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
): Promise<PushResult[]> {
  const before = await decidedBefore(ctx, pusher, sent);
  const results = new Map<number, PushResult>();
  const pending: Pending[] = [];
  const taken = new Map<string, number>();
  for (const [index, item] of sent.entries()) {
    const { changeId } = item;
    const known = before.get(changeId);
    const read: ReadChange | null = known ? null : readChange(item);
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
  for (let start = 0; start < ordered.length; start += GROUP_SIZE) {
    const group = ordered.slice(start, start + GROUP_SIZE);
    const decided = (await isFull(ctx)) ? group.map(tooLarge) : await carryOut(run, group);
    for (const [place, { index }] of group.entries()) {
      const result = decided[place];
      if (result) results.set(index, result);
    }
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

async function carryOut(run: Run, group: readonly Pending[]): Promise<PushResult[]> {
  const { ctx, scope, caller, pusher, aliases } = run;
  const { viewer: _viewer, ...jobScope } = scope;
  const changes = group.map(({ change }) => change);
  try {
    const decided = await ctx.runMutation(internal.sync.apply.run, {
      scope: { ...jobScope, deviceId: pusher.deviceId },
      device: pusher.key,
      grants: [...caller.grants],
      changes: JSON.stringify(changes),
      aliases,
    });
    return decided.map((result, place) => {
      const { changeId = "", clientId } = changes[place] ?? {};
      if (clientId !== undefined) aliases[clientId] = result.id;
      const status = result.conflictId === undefined ? "applied" : "conflict";
      return { changeId, status, ...result };
    });
  } catch (error) {
    const refusal = errorDataOf(error);
    if (!refusal) throw error;
    const [only] = changes;
    if (only && changes.length === 1) return [refused(only.changeId, changeErrorOf(refusal))];
  }
  const results: PushResult[] = [];
  for (const one of group) results.push(...(await carryOut(run, [one])));
  return results;
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

async function isFull(ctx: MutationCtx): Promise<boolean> {
  const metrics = await ctx.meta.getTransactionMetrics();
  return Object.values(metrics).some(({ used, remaining }) => {
    return used > (used + remaining) * MAX_SHARE;
  });
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
