import { ConvexError, type Infer, v } from "convex/values";
import { internalMutation, type MutationCtx } from "../_generated/server";
import { errorDataOf } from "../kit/errors";
import { organizationOf } from "../kit/own";
import { isGrant } from "../kit/scopes";
import type { WriteScope } from "../ontology/effects";
import { ObjectStore } from "../ontology/store";
import { jobScope } from "../schemas/crmSchemas";
import { type ChangeError, changeErrorOf, type PushedChange } from "./change";
import { type Decided, decide } from "./decide";

const decided = v.object({
  id: v.id("objects"),
  version: v.number(),
  winner: v.optional(v.union(v.literal("client"), v.literal("server"))),
  conflictId: v.optional(v.id("conflictLogs")),
});
const refused = v.object({
  error: v.object({ code: v.string(), message: v.string(), details: v.any() }),
});
export type Outcome = Decided | Infer<typeof refused>;

/** Shares of a transaction's limits beyond which the rest of a push is for another one. */
const MAX_SHARE = 0.75;

/**
 * One nested transaction. Its results are those of the first changes, as many as one transaction takes.
 * A change that is refused before anything of it is written leaves nothing behind; one that is refused
 * later takes all of them back with it.
 * @throws RolledBack
 */
export const run = internalMutation({
  args: {
    scope: jobScope,
    /** Whose sight bounds what is changed. */
    member: v.optional(v.id("users")),
    device: v.string(),
    grants: v.array(v.string()),
    /** JSON text: a caller's keys may be any Unicode. */
    changes: v.string(),
    aliases: v.record(v.string(), v.id("objects")),
  },
  returns: v.array(v.union(decided, refused)),
  handler: async (ctx, args): Promise<Outcome[]> => {
    const { member, device, grants, changes, aliases } = args;
    const scope = { ...args.scope, ...(member === undefined ? {} : { member }) };
    const organization = await organizationOf(ctx, scope);
    const store = new ObjectStore(ctx, scope, organization);
    const context = { ...ctx, store, organization, grants: grants.filter(isGrant) };
    const pushing = { device, aliases: { ...aliases }, now: Date.now() };
    const outcomes: Outcome[] = [];
    let metrics = await ctx.meta.getTransactionMetrics();
    for (const change of JSON.parse(changes) as PushedChange[]) {
      if (outcomes.length > 0 && isFull(metrics)) break;
      const written = metrics.documentsWritten.used;
      try {
        const result = await decide(context, pushing, change);
        await remember(ctx, scope, device, change, result);
        if (change.clientId !== undefined) pushing.aliases[change.clientId] = result.id;
        outcomes.push(result);
        metrics = await ctx.meta.getTransactionMetrics();
      } catch (error) {
        const refusal = refusalOf(error, scope, change);
        metrics = await ctx.meta.getTransactionMetrics();
        if (metrics.documentsWritten.used > written || isFull(metrics)) {
          throw new RolledBack({ refusedAt: outcomes.length, error: refusal });
        }
        outcomes.push({ error: refusal });
      }
    }
    await store.finish();
    return outcomes;
  },
});

/** What carried out changes come to when one of them is refused that had begun to be written. */
class RolledBack extends ConvexError<{ refusedAt: number; error: ChangeError }> {}

/** Which of the changes was refused, where that has taken back those before it. */
export function refusalIn(failure: unknown): { refusedAt: number; error: ChangeError } | null {
  if (!(failure instanceof ConvexError)) return null;
  const data: unknown = failure.data;
  const isRefusal = typeof data === "object" && data !== null && "refusedAt" in data;
  return isRefusal ? (data as { refusedAt: number; error: ChangeError }) : null;
}

/** What is wrong with a change. An error of ours stops it alone: the device could not go on else. */
function refusalOf(
  error: unknown,
  { traceId }: WriteScope,
  { changeId }: PushedChange,
): ChangeError {
  const refusal = errorDataOf(error);
  if (refusal) return changeErrorOf(refusal);
  console.error("A pushed change failed", traceId, changeId, error);
  const message = "The server failed at this change. It can be sent again, by itself.";
  return { code: "INTERNAL_ERROR", message, details: null };
}

type Metrics = Awaited<ReturnType<MutationCtx["meta"]["getTransactionMetrics"]>>;

export function isFull(metrics: Metrics): boolean {
  return Object.values(metrics).some(({ used, remaining }) => {
    return used > (used + remaining) * MAX_SHARE;
  });
}

async function remember(
  ctx: MutationCtx,
  { organizationId }: Pick<WriteScope, "organizationId">,
  device: string,
  { changeId }: PushedChange,
  { id: objectId, ...result }: Decided,
): Promise<void> {
  const decidedAt = Date.now();
  const row = { organizationId, device, changeId, objectId, decidedAt };
  await ctx.db.insert("syncedChanges", { ...row, ...result });
}
