import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { ended, succeeded } from "../jobs/job";
import { begun, isTurn, nextStep, underWayAt } from "../jobs/steps";
import type { Job } from "../schemas/jobSchemas";
import { rekeySuppressions } from "../delivery/suppressions";
import { objectsAfter, placeOf, START } from "./commitOrder";
import { definitionOf } from "./derived";
import { regionOfCountry } from "./phoneRegion";
import type { ObjectDoc } from "./registry";
import { rekeyAddresses } from "./rekeyedAddresses";
import { type Found, tidied } from "./rekeyedObjects";
import { ObjectStore } from "./store";

/**
 * Keys and search text are derived when an object is written, by the rules of that day. When the rules
 * change, or an organization's country, they are derived anew: a job goes through its objects in the
 * order of their last change, some in each transaction, and its row says how far it is. An object's
 * content and version stay. Nothing is merged: whoever is equal to another from now on is listed.
 */

/** The rules by which keys are made today: a change of them counts up. */
export const KEY_RULES = 4;

const OBJECTS_AT_ONCE = 200;
const COLLISIONS_KEPT = 100;
/** After so many attempts the object that cannot be written is passed over, and named. */
const MAX_ATTEMPTS = 3;
const BEGUN_AT_ONCE = 100;

export type Rekeying = Doc<"rekeyings">;
type Collision = Rekeying["collisions"][number];

/** Begins the jobs of organizations whose keys are of earlier rules. */
export async function wakeRekeyings(ctx: MutationCtx): Promise<{ begun: number }> {
  const due = await ctx.db
    .query("organizations")
    .withIndex("by_keyRules", (q) => q.lt("keyRules", KEY_RULES))
    .take(BEGUN_AT_ONCE);
  for (const { _id } of due) await beginRekeying(ctx, _id);
  return { begun: due.length };
}

/** From the first object on, whatever an earlier job has done. */
export async function beginRekeying(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
): Promise<void> {
  const organization = await ctx.db.get("organizations", organizationId);
  if (!organization) throw new Error(`There is no organization ${organizationId}.`);
  const phoneRegion = regionOfCountry(organization.address?.country) ?? "";
  await ctx.db.patch("organizations", organizationId, { keyRules: KEY_RULES, phoneRegion });
  const before = await rekeyingOf(ctx, organizationId);
  if (before) await ctx.db.delete("rekeyings", before._id);
  const now = Date.now();
  const job = begun(now);
  const rekeyingId = await ctx.db.insert("rekeyings", {
    organizationId,
    status: "running",
    position: START,
    checked: 0,
    changed: 0,
    collisions: [],
    collided: 0,
    failed: [],
    job,
    startedAt: now,
  });
  await continueRekeyingAt(ctx, rekeyingId, job, now);
}

export async function rekeyingOf(
  ctx: Pick<QueryCtx, "db">,
  organizationId: Id<"organizations">,
): Promise<Rekeying | null> {
  return await ctx.db
    .query("rekeyings")
    .withIndex("by_organization", (q) => q.eq("organizationId", organizationId))
    .unique();
}

/** One transaction's worth; it schedules the next. A job that has been begun anew has no row. */
export async function stepRekeying(
  ctx: MutationCtx,
  id: Id<"rekeyings">,
  lease?: number,
): Promise<void> {
  const job = await ctx.db.get("rekeyings", id);
  if (job?.status !== "running" || !isTurn(jobOfRekeying(job), lease)) return;
  const found: Found = { checked: 0, changed: 0, collisions: [] };
  const next = await stepOf(ctx, job, found);
  const collisions = [...job.collisions, ...found.collisions];
  const now = Date.now();
  const checked = job.checked + found.checked;
  const isDone = next.status === "completed";
  const state = nextStep(jobOfRekeying(job), now, { done: checked });
  await ctx.db.patch("rekeyings", id, {
    ...next,
    checked,
    changed: job.changed + found.changed,
    collisions: collisions.slice(0, COLLISIONS_KEPT),
    collided: job.collided + found.collisions.length,
    job: isDone ? succeeded(state, now) : state,
    ...{ attempts: undefined, steppedAt: undefined },
    ...(isDone ? { finishedAt: now } : {}),
  });
  if (!isDone) await continueRekeyingAt(ctx, id, state, now);
}

/** Also of a row of before there was one shape of jobs. */
export function jobOfRekeying(row: Rekeying): Job {
  const { job, status, startedAt, steppedAt = startedAt, attempts } = row;
  if (job) return job;
  const old = underWayAt(steppedAt, attempts);
  return status === "running" ? old : ended(old, "succeeded", row.finishedAt ?? steppedAt);
}

export async function continueRekeyingAt(
  ctx: MutationCtx,
  rekeyingId: Id<"rekeyings">,
  { lease }: Job,
  at: number,
): Promise<void> {
  await ctx.scheduler.runAt(at, internal.rekeying.step, { rekeyingId, lease });
}

type Step = Partial<Pick<Rekeying, "position" | "failed" | "addressesAfter" | "status">>;

async function stepOf(ctx: MutationCtx, job: Rekeying, found: Found): Promise<Step> {
  if (job.addressesAfter !== undefined) {
    const { organizationId, addressesAfter } = job;
    const { changed, last } = await rekeySuppressions(ctx, organizationId, addressesAfter);
    found.changed += changed;
    if (last !== null) return { addressesAfter: last };
    await rekeyAddresses(ctx, job.organizationId, found);
    return { status: "completed" };
  }
  const objects = await nextObjects(ctx, job);
  const [first] = objects;
  if (!first) return { addressesAfter: "" };
  if (interruptionsOf(job) > MAX_ATTEMPTS) {
    return { position: placeOf(first), failed: [...job.failed, first._id] };
  }
  const { organizationId } = job;
  const by = { actor: SYSTEM, traceId: "rekeying", ip: null, userAgent: null };
  const store = new ObjectStore(ctx, { organizationId, ...by });
  let position = job.position;
  for (const object of objects) {
    await rekeyObject(ctx, store, object, found);
    position = placeOf(object);
    if (await isUsed(ctx, 1 / 2)) break;
  }
  await store.finish();
  return { position };
}

/** How often the step that is to be done could not be carried out. */
function interruptionsOf(job: Rekeying): number {
  return jobOfRekeying(job).interruptions ?? 0;
}

const SYSTEM = { type: "system" as const, id: "system", name: "Freehold" };

/** Read before any of them is written: what is written has no place among them yet. */
async function nextObjects(ctx: MutationCtx, job: Rekeying): Promise<ObjectDoc[]> {
  const objects: ObjectDoc[] = [];
  // One that failed is met alone.
  const most = interruptionsOf(job) > 0 ? 1 : OBJECTS_AT_ONCE;
  for await (const object of objectsAfter(ctx, job.organizationId, job.position)) {
    objects.push(object);
    if (objects.length >= most || (await isUsed(ctx, 1 / 4))) break;
  }
  return objects;
}

async function rekeyObject(
  ctx: MutationCtx,
  store: ObjectStore,
  object: ObjectDoc,
  found: Found,
): Promise<void> {
  found.checked += 1;
  if (object.lifecycle === "deleted") return;
  const tidy = await tidied(ctx, store, object);
  const isRemade = await store.rederive(tidy);
  if (isRemade || tidy !== object) found.changed += 1;
  if (isRemade) found.collisions.push(...(await collisionsOf(ctx, store, tidy)));
}

/** The others that have its unique key as well, who had another one before. */
async function collisionsOf(
  ctx: MutationCtx,
  store: ObjectStore,
  { _id, type, lifecycle }: ObjectDoc,
): Promise<Collision[]> {
  const lookupKey = (await ctx.db.get("objects", _id))?.lookupKey;
  const isUnique = definitionOf(type).uniqueKeyIs !== undefined && lifecycle === "live";
  if (!isUnique || lookupKey === undefined) return [];
  const holders = await ctx.db
    .query("objects")
    .withIndex("list_lookupKey", (q) =>
      q
        .eq("organizationId", store.organizationId)
        .eq("type", type)
        .eq("lifecycle", "live")
        .eq("lookupKey", lookupKey),
    )
    .take(COLLISIONS_KEPT);
  if (holders.length < 2) return [];
  return [{ type, key: lookupKey, ids: holders.map((holder) => holder._id) }];
}

/** Whether so much is used of anything that a transaction may read and write. */
async function isUsed(ctx: MutationCtx, part: number): Promise<boolean> {
  const metrics = await ctx.meta.getTransactionMetrics();
  return [
    metrics.documentsRead,
    metrics.bytesRead,
    metrics.databaseQueries,
    metrics.documentsWritten,
    metrics.bytesWritten,
  ].some(({ used, remaining }) => used > part * (used + remaining));
}
