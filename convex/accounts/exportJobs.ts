import { v } from "convex/values";
import { internal } from "../_generated/api";
import type { Id } from "../_generated/dataModel";
import {
  type ActionCtx,
  internalAction,
  internalMutation,
  internalQuery,
  type MutationCtx,
} from "../_generated/server";
import { attemptFailed, holds, leased, succeeded } from "../jobs/job";
import { sha256Hex } from "../kit/tokens";
import { type DataExport, deleteExport } from "./dataExport";
import { activeMemberships } from "./memberships";
import { EXPORT_LEASE_MS, putNextExport } from "./exportKind";
import { SECTIONS } from "./exportSections";

/** What an HTTP action of Convex can answer is 20 MiB; what is beyond says so, section by section. */
const MOST_BYTES = 16 * 1024 * 1024;
const AT_ONCE = 100;
const CANCELLED = "It was cancelled.";

const held = v.object({
  lease: v.number(),
  userId: v.id("users"),
  organizationIds: v.array(v.id("organizations")),
});
type Held = typeof held.type;

/** Gathers a person's data page by page, and stores it as one file. */
export const run = internalAction({
  args: { id: v.id("profileExports") },
  returns: v.null(),
  handler: async (ctx, { id }): Promise<null> => {
    const found: Held | null = await ctx.runMutation(internal.accounts.exportJobs.claim, { id });
    if (!found) return null;
    const { lease } = found;
    try {
      const text = await gathered(ctx, { ...found, id });
      const bytes = new TextEncoder().encode(text);
      const storageId = await ctx.storage.store(new Blob([bytes], { type: "application/json" }));
      const file = { storageId, size: bytes.byteLength, sha256: sha256Hex(bytes) };
      await ctx.runMutation(internal.accounts.exportJobs.settle, { id, lease, file });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      await ctx.runMutation(internal.accounts.exportJobs.fail, { id, lease, error: message });
    }
    return null;
  },
});

async function gathered(
  ctx: ActionCtx,
  { id, lease, userId, organizationIds }: Held & { id: Id<"profileExports"> },
): Promise<string> {
  const parts: string[] = [];
  const cutShort: string[] = [];
  let size = 0;
  for (const [index, section] of SECTIONS.entries()) {
    const rows: string[] = [];
    for (const organizationId of section.isPerOrganization ? organizationIds : [null]) {
      let cursor: string | null = null;
      do {
        const asked = { userId, organizationId, section: index, cursor };
        const page: { rows: string[]; cursor: string | null } = await ctx.runQuery(
          internal.accounts.exportJobs.page,
          asked,
        );
        size += page.rows.reduce((sum, row) => sum + row.length * 3, 0);
        if (size > MOST_BYTES) {
          cutShort.push(section.name);
          break;
        }
        rows.push(...page.rows);
        cursor = page.cursor;
      } while (cursor !== null);
      if (size > MOST_BYTES) break;
    }
    parts.push(`${JSON.stringify(section.name)}: [\n${rows.join(",\n")}\n]`);
    const progress = { done: index + 1, total: SECTIONS.length + 1 };
    await ctx.runMutation(internal.accounts.exportJobs.note, { id, lease, progress });
  }
  return `{\n${parts.join(",\n")},\n"cutShort": ${JSON.stringify([...new Set(cutShort)])}\n}\n`;
}

/** For its holder; null where it is another's, or over. */
export const claim = internalMutation({
  args: { id: v.id("profileExports") },
  returns: v.union(held, v.null()),
  handler: async (ctx, { id }): Promise<Held | null> => {
    const row = await ctx.db.get("profileExports", id);
    if (row?.job?.state !== "queued") return null;
    const now = Date.now();
    const job = leased(row.job, now, EXPORT_LEASE_MS);
    await ctx.db.patch("profileExports", id, {
      ...{ job, startedAt: row.startedAt ?? now },
      log: [...row.log, { at: now, text: "begun" }],
    });
    const memberships = await activeMemberships(ctx, row.userId);
    const organizationIds = memberships.map(({ organizationId }) => organizationId);
    return { lease: job.lease, userId: row.userId, organizationIds };
  },
});

/** Rows of a section as JSON text: a person's words may be any Unicode. */
export const page = internalQuery({
  args: {
    userId: v.id("users"),
    organizationId: v.union(v.id("organizations"), v.null()),
    section: v.number(),
    cursor: v.union(v.string(), v.null()),
  },
  returns: v.object({ rows: v.array(v.string()), cursor: v.union(v.string(), v.null()) }),
  handler: async (ctx, { userId, organizationId, section, cursor }) => {
    const user = await ctx.db.get("users", userId);
    const asked = SECTIONS[section];
    if (!user || user.deletedAt !== undefined || !asked) return { rows: [], cursor: null };
    const read = await asked.read(ctx, { user, organizationId, cursor });
    return { rows: read.rows.map((row) => JSON.stringify(row)), cursor: read.cursor };
  },
});

const ofLease = { id: v.id("profileExports"), lease: v.number() };

export const note = internalMutation({
  args: { ...ofLease, progress: v.object({ done: v.number(), total: v.number() }) },
  returns: v.null(),
  handler: async (ctx, { id, lease, progress }) => {
    const row = await ctx.db.get("profileExports", id);
    if (!row?.job || !holds(row.job, lease)) return null;
    await ctx.db.patch("profileExports", id, { job: { ...row.job, progress } });
    return null;
  },
});

const file = v.object({ storageId: v.id("_storage"), size: v.number(), sha256: v.string() });

/** Whose lease was taken, or whose account was deleted meanwhile, has made a file for nobody. */
export const settle = internalMutation({
  args: { ...ofLease, file },
  returns: v.null(),
  handler: async (ctx, { id, lease, file: made }) => {
    const row = await ctx.db.get("profileExports", id);
    if (!row?.job || !holds(row.job, lease) || row.job.isCancelled) {
      await ctx.storage.delete(made.storageId);
      if (row?.job && holds(row.job, lease)) await failed(ctx, row, CANCELLED, CANCELLED);
      return null;
    }
    const now = Date.now();
    const expiresAt = now + (row.expiresAt - row.createdAt);
    await ctx.db.patch("profileExports", id, {
      ...{ ...made, expiresAt, job: succeeded(row.job, now) },
      log: [...row.log, { at: now, text: "done" }],
    });
    await ctx.scheduler.runAt(expiresAt, internal.accounts.exportJobs.cleanUp, {});
    return null;
  },
});

export const fail = internalMutation({
  args: { ...ofLease, error: v.string() },
  returns: v.null(),
  handler: async (ctx, { id, lease, error }) => {
    const row = await ctx.db.get("profileExports", id);
    if (row?.job && holds(row.job, lease)) await failed(ctx, row, error, "An attempt failed.");
    return null;
  },
});

/** `error` is for operators, who see the job's row; `told` for the person whose data it is. */
async function failed(
  ctx: MutationCtx,
  { _id, job, log }: DataExport,
  error: string,
  told: string,
): Promise<void> {
  if (!job) return;
  const now = Date.now();
  await ctx.db.patch("profileExports", _id, { log: [...log, { at: now, text: told }].slice(-50) });
  await putNextExport(ctx, _id, attemptFailed(job, now, { error }));
}

/** Those whose day is over go with their files. */
export const cleanUp = internalMutation({
  args: {},
  returns: v.object({ deleted: v.number() }),
  handler: async (ctx) => {
    const over = await ctx.db
      .query("profileExports")
      .withIndex("by_expiresAt", (q) => q.lte("expiresAt", Date.now()))
      .take(AT_ONCE);
    for (const each of over) await deleteExport(ctx, each);
    if (over.length === AT_ONCE) {
      await ctx.scheduler.runAfter(0, internal.accounts.exportJobs.cleanUp, {});
    }
    return { deleted: over.length };
  },
});
