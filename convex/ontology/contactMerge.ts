import { compareValues, type Value } from "convex/values";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { moveAttachments } from "../attachments/merging";
import { ended, succeeded } from "../jobs/job";
import { begun, begunAnew, isTurn, nextStep, underWayAt } from "../jobs/steps";
import { ApiError, invalidFields, notFound } from "../kit/errors";
import { partedFrom } from "./contactAddresses";
import { unionOf } from "./contactUnion";
import { auditedFields, changesBetween } from "./changes";
import { type Move, move, moveOneBack } from "./contactMoves";
import type { Change } from "./changes";
import { referringTo } from "./links";
import type { Job } from "../schemas/jobSchemas";
import { isOfType } from "./reader";
import type { ObjectDoc } from "./registry";
import { type ObjectChanges, ObjectStore } from "./store";
import { jobScopeOf } from "./effects";

/**
 * Merging two contacts that are one person: what the one lacks it takes from the other, everything
 * that refers to the other is moved, and the other leaves a tombstone. A merge can be undone.
 */
export type ContactMerge = Doc<"contactMerges">;
type Contact = ObjectDoc<"crm_contact">;

const UNDO_DAYS = 30;
const DAY = 24 * 60 * 60 * 1000;
/** Objects and attachments that one transaction moves; each takes some ten reads and writes. */
const MOVED_AT_ONCE = 100;

/** @throws VALIDATION_ERROR for a contact and itself, CONTACT_NOT_FOUND */
export async function mergeContacts(
  ctx: MutationCtx,
  store: ObjectStore,
  target: Contact,
  sourceId: string,
): Promise<{ contact: Contact; merge: ContactMerge }> {
  const source = await store.require("crm_contact", sourceId);
  if (source._id === target._id) {
    throw invalidFields([{ field: "sourceId", message: "is the contact itself" }]);
  }
  // First, so that the target may take over its e-mail.
  await store.remove(source, { isReferenced: true, comments: "left" });
  const portalUsers = await movePortalUsers(ctx, store, source, target);
  const contact = await store.update(target, unionOf(target, source));
  const scope = jobScopeOf(store.scope);
  const mergedAt = Date.now();
  const id = await ctx.db.insert("contactMerges", {
    organizationId: store.organizationId,
    targetId: target._id,
    sourceId: source._id,
    status: "moving",
    scope,
    moved: portalUsers.length,
    changes: changesBetween(fieldsOf(target), fieldsOf(contact)),
    mergedAt,
    undoUntil: mergedAt + UNDO_DAYS * DAY,
    job: begun(mergedAt),
  });
  for (const moved of portalUsers) {
    await ctx.db.insert("contactMergeMoves", { mergeId: id, ...moved });
  }
  const merge = await moveReferring(ctx, store, await mergeOf(ctx, id));
  await store.recordHappening(contact, "merged", { mergeId: id, sourceId: source._id });
  return { contact, merge };
}

/** They go first: a contact that takes over an e-mail is linked to its portal user by itself. */
async function movePortalUsers(
  ctx: MutationCtx,
  store: ObjectStore,
  source: Contact,
  target: Contact,
): Promise<Move[]> {
  const ids = await referringTo(ctx, store.organizationId, source._id, 20, "portal_user_of");
  const moves: Move[] = [];
  for (const id of ids) moves.push(await move(ctx, store, id, source._id, target._id));
  return moves;
}

/** Moves what still refers to the source, as much as one transaction takes; a job does the rest. */
async function moveReferring(
  ctx: MutationCtx,
  store: ObjectStore,
  merge: ContactMerge,
): Promise<ContactMerge> {
  const { organizationId, sourceId, targetId } = merge;
  const referring = await referringTo(ctx, organizationId, sourceId, MOVED_AT_ONCE);
  for (const objectId of referring) {
    const done = await move(ctx, store, objectId, sourceId, targetId);
    await ctx.db.insert("contactMergeMoves", { mergeId: merge._id, ...done });
  }
  const files = await moveAttachments(ctx, store, {
    ...{ from: sourceId, to: targetId },
    limit: MOVED_AT_ONCE - referring.length,
  });
  for (const objectId of files) {
    await ctx.db.insert("contactMergeMoves", { mergeId: merge._id, objectId });
  }
  const moved = referring.length + files.length;
  // An object that names it in two ways takes two of those that were read.
  const left = await referringTo(ctx, organizationId, sourceId, 1);
  const isDone = moved < MOVED_AT_ONCE && left.length === 0;
  const status = isDone ? "done" : "moving";
  await moveOn(ctx, merge, { status, moved: merge.moved + moved }, isDone);
  return await mergeOf(ctx, merge._id);
}

/**
 * Gives the source back what it was, as far as nothing has changed it since.
 * @throws GONE after 30 days, INVALID_STATE while objects are moved or when it is undone already,
 *   EMAIL_EXISTS when another contact has the source's e-mail by now
 */
export async function undoMerge(
  ctx: MutationCtx,
  store: ObjectStore,
  merge: ContactMerge,
): Promise<{ contact: Contact; merge: ContactMerge }> {
  if (merge.status !== "done") {
    throw new ApiError("INVALID_STATE", `The merge is ${merge.status}.`, {
      details: { status: merge.status, allowed: ["done"] },
    });
  }
  if (merge.undoUntil < Date.now()) {
    throw new ApiError("GONE", `A merge can be undone for ${UNDO_DAYS} days.`);
  }
  const target = await store.find("crm_contact", merge.targetId);
  if (!target) await requireNotMergedOn(ctx, merge);
  const tombstone = await ctx.db.get("objects", merge.sourceId);
  if (!tombstone || !isOfType(tombstone, "crm_contact")) throw notFound("contact");
  if (target) {
    const others = await stillMergedBeside(ctx, merge);
    await store.update(target, partedChanges(target, tombstone, merge.changes, others));
  }
  const restored = await store.restore(tombstone);
  if (target) await returnPortalUser(store, restored, target, merge);
  const organization = restored.customProperties.crmOrganizationId;
  const isMember =
    organization !== undefined && (await store.find("crm_organization", organization));
  const contact =
    organization === undefined || isMember
      ? restored
      : await store.update(restored, { customProperties: { crmOrganizationId: undefined } });
  const scope = jobScopeOf(store.scope);
  await forgetInLaterMerges(ctx, merge);
  const job = begunAnew(jobOfMerge(merge), Date.now());
  await ctx.db.patch("contactMerges", merge._id, {
    status: "undoing",
    scope,
    job,
  });
  const undone = await moveBack(ctx, store, await mergeOf(ctx, merge._id));
  await store.recordHappening(contact, "unmerged", { mergeId: merge._id });
  return { contact, merge: undone };
}

/** Who signed in with the source's e-mail while it was the target's. */
async function returnPortalUser(
  store: ObjectStore,
  restored: Contact,
  target: Contact,
  { mergedAt }: ContactMerge,
): Promise<void> {
  const { lookupKey } = restored;
  const user = lookupKey === undefined ? null : await store.findByKey("frontend_user", lookupKey);
  if (user?.customProperties.crmContactId !== target._id || user.createdAt < mergedAt) return;
  await store.update(user, { customProperties: { crmContactId: restored._id } }, "linked");
}

/** Whom else the target has in it. */
async function stillMergedBeside(ctx: QueryCtx, merge: ContactMerge): Promise<Contact[]> {
  const merges = await ctx.db
    .query("contactMerges")
    .withIndex("by_target", (q) => q.eq("targetId", merge.targetId))
    .collect();
  const others = merges.filter(
    ({ _id, status }) => _id !== merge._id && (status === "moving" || status === "done"),
  );
  const sources = await Promise.all(others.map(({ sourceId }) => ctx.db.get("objects", sourceId)));
  return sources.filter((source) => source !== null && isOfType(source, "crm_contact"));
}

/** @throws CONFLICT when what was moved has gone on into a third contact */
async function requireNotMergedOn(ctx: MutationCtx, { targetId }: ContactMerge): Promise<void> {
  const merges = await ctx.db
    .query("contactMerges")
    .withIndex("by_source", (q) => q.eq("sourceId", targetId))
    .collect();
  const later = merges.find(({ status }) => status !== "undone");
  if (!later) return;
  const message = "The contact has itself been merged since; undo that first.";
  throw new ApiError("CONFLICT", message, { details: { mergeId: later._id } });
}

async function moveBack(
  ctx: MutationCtx,
  store: ObjectStore,
  merge: ContactMerge,
): Promise<ContactMerge> {
  const moves = await ctx.db
    .query("contactMergeMoves")
    .withIndex("by_merge", (q) => q.eq("mergeId", merge._id))
    .take(MOVED_AT_ONCE);
  for (const moved of moves) {
    await ctx.db.delete("contactMergeMoves", moved._id);
    await moveOneBack(ctx, store, merge, moved);
  }
  const isDone = moves.length < MOVED_AT_ONCE;
  const status = isDone ? "undone" : "undoing";
  await moveOn(ctx, merge, { status, moved: merge.moved - moves.length }, isDone);
  return await mergeOf(ctx, merge._id);
}

/**
 * A later merge into the same target began with what this one had made of it. Once this one is undone
 * that was never so: what the later one goes back to is what was there before both.
 */
async function forgetInLaterMerges(ctx: MutationCtx, merge: ContactMerge): Promise<void> {
  const merges = await ctx.db
    .query("contactMerges")
    .withIndex("by_target", (q) =>
      q.eq("targetId", merge.targetId).gt("_creationTime", merge._creationTime),
    )
    .collect();
  const later = merges.filter(({ status }) => status === "moving" || status === "done");
  for (const made of merge.changes) {
    const next = later.find(({ changes }) => changes.some(({ field }) => field === made.field));
    if (!next) continue;
    const changes = next.changes.map((change) =>
      change.field === made.field && isSame(change.before, made.after)
        ? { ...change, before: made.before as unknown }
        : change,
    );
    next.changes = changes;
    await ctx.db.patch("contactMerges", next._id, { changes });
  }
}

/** What a contact has become that was merged away: the last of those that it went into. */
export async function mergeTargetOf(ctx: QueryCtx, contact: Contact): Promise<Contact | null> {
  let target: Contact | null = null;
  for (let source = contact; source.lifecycle === "deleted"; source = target) {
    const merge = await ctx.db
      .query("contactMerges")
      .withIndex("by_source", (q) => q.eq("sourceId", source._id))
      .order("desc")
      .first();
    if (!merge || merge.status === "undone" || merge.status === "undoing") return target;
    const next = await ctx.db.get("objects", merge.targetId);
    if (!next || !isOfType(next, "crm_contact")) return target;
    target = next;
  }
  return target;
}

/** Writes how far it is, and has it go on where there is more to move than one transaction takes. */
async function moveOn(
  ctx: MutationCtx,
  merge: ContactMerge,
  so: Pick<ContactMerge, "status" | "moved">,
  isDone: boolean,
): Promise<void> {
  const now = Date.now();
  const state = jobOfMerge(merge);
  const job = isDone ? succeeded(state, now) : nextStep(state, now, { done: so.moved });
  await ctx.db.patch("contactMerges", merge._id, { ...so, job });
  if (!isDone) await continueMergeAt(ctx, merge._id, job, now);
}

/** The next step of a merge, or of its undo. */
export async function continueMerge(
  ctx: MutationCtx,
  id: Id<"contactMerges">,
  lease?: number,
): Promise<void> {
  const merge = await ctx.db.get("contactMerges", id);
  if (!merge || !isTurn(jobOfMerge(merge), lease)) return;
  const store = new ObjectStore(ctx, merge.scope);
  if (merge.status === "moving") await moveReferring(ctx, store, merge);
  if (merge.status === "undoing") await moveBack(ctx, store, merge);
  await store.finish();
}

/** Also of a row of before there was one shape of jobs. */
export function jobOfMerge({ job, status, mergedAt }: ContactMerge): Job {
  if (job) return job;
  const old = underWayAt(mergedAt);
  return status === "moving" || status === "undoing" ? old : ended(old, "succeeded", mergedAt);
}

export async function continueMergeAt(
  ctx: MutationCtx,
  mergeId: Id<"contactMerges">,
  { lease }: Job,
  at: number,
): Promise<void> {
  await ctx.scheduler.runAt(at, internal.crmJobs.continueMerge, { mergeId, lease });
}

async function mergeOf(ctx: MutationCtx, id: Id<"contactMerges">): Promise<ContactMerge> {
  const merge = await ctx.db.get("contactMerges", id);
  if (!merge) throw new Error(`There is no merge ${id}.`);
  return merge;
}

const OWN_COLUMNS = ["subtype", "status"] as const;

function fieldsOf(contact: Contact): ReturnType<typeof auditedFields> {
  const { name: _name, ...fields } = auditedFields(contact);
  return fields;
}

/** Two values of a field, as the database tells them apart. */
function isSame(one: unknown, other: unknown): boolean {
  return compareValues(one as Value | undefined, other as Value | undefined) === 0;
}

/**
 * What is still as the merge left it goes back to what it was; of lists and custom fields that have
 * changed since, what the source brought is taken out.
 */
function partedChanges(
  target: Contact,
  source: Contact,
  changes: Change[],
  others: readonly Contact[],
): ObjectChanges<"crm_contact"> {
  const { customProperties: present } = target;
  const of = (field: string): Change | undefined => changes.find((one) => one.field === field);
  const [fields, merged, tagged] = [of("customFields"), of("merged"), of("tags")];
  const {
    customFields,
    merged: identity,
    tags,
  } = partedFrom(
    present,
    source.customProperties,
    {
      customFields: (fields ? fields.before : present.customFields) as typeof present.customFields,
      merged: (merged ? merged.before : present.merged) as typeof present.merged,
      tags: (tagged ? tagged.before : present.tags) as typeof present.tags,
    },
    others.map(({ customProperties }) => customProperties),
  );
  const parted = {
    ...(fields ? { customFields } : {}),
    ...(merged ? { merged: identity } : {}),
    ...(tagged ? { tags } : {}),
  };
  const reverted = revertedChanges(target, changes);
  // What it was before, to the letter, unless that would take away what another merge brought as well.
  const customProperties =
    others.length === 0
      ? { ...parted, ...reverted.customProperties }
      : { ...reverted.customProperties, ...parted };
  return { ...reverted, customProperties };
}

function revertedChanges(target: Contact, changes: Change[]): ObjectChanges<"crm_contact"> {
  const now = fieldsOf(target);
  const own = changes.filter(({ field, after }) => isSame(now[field], after));
  const entries = own.map(({ field, before }) => [field, before] as const);
  const isColumn = ([field]: readonly [string, unknown]): boolean =>
    (OWN_COLUMNS as readonly string[]).includes(field);
  return {
    ...Object.fromEntries(entries.filter(isColumn)),
    customProperties: Object.fromEntries(entries.filter((entry) => !isColumn(entry))),
  };
}
