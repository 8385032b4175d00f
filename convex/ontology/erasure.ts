import { compareValues, type Value } from "convex/values";
import { deletedCommentsOn, endHiding } from "../comments/keeping";
import { forgetRevisions } from "../comments/revisions";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { forgetFiles } from "../delivery/documentFiles";
import { ended, succeeded } from "../jobs/job";
import { begun, isTurn, nextStep, underWayAt } from "../jobs/steps";
import { notFound } from "../kit/errors";
import { blankReplies } from "../kit/idempotency";
import type { ObjectRecord } from "./definition";
import { definitionOf } from "./derived";
import { blankHistory, type HistoryTask, recordErasure } from "./history";
import { forgetIssue } from "./issuing";
import { referringPage } from "./links";
import type { Job } from "../schemas/jobSchemas";
import { isOfType } from "./reader";
import type { ObjectDoc, Properties } from "./registry";
import { forgetConflicts } from "../sync/tombstones";
import { ObjectStore } from "./store";
import { jobScopeOf } from "./effects";

/**
 * Erasing a person (GDPR, article 17): the contact, the contacts that were merged into it, its portal
 * users and what drafts, quotes and recurring invoices say of it are blanked, the first hundred of all
 * these at once; the rest, their history and the answers kept for repeated requests by a job. Issued
 * invoices stay as they are, as the law wants them.
 */
export type Erasure = Doc<"erasures">;

type Blanked = Pick<Erasure, "objectIds" | "portalUserIds">;
type Referring = NonNullable<Erasure["referring"]>;

/** Objects that one transaction blanks; each takes some ten reads and writes. */
const ERASED_AT_ONCE = 100;
const NOTHING: Required<Blanked> = { objectIds: [], portalUserIds: [] };
const TABLES = ["events", "auditLogs"] as const;

/** Also of a contact that has been deleted: its tombstone says who it was. @throws CONTACT_NOT_FOUND */
export async function erasePerson(
  ctx: MutationCtx,
  store: ObjectStore,
  id: string,
): Promise<Erasure> {
  const contact = await store.findDeletedToo(id);
  if (!contact || !isOfType(contact, "crm_contact") || (await isErased(ctx, contact))) {
    throw notFound("contact");
  }
  const persons = [contact, ...(await mergedInto(ctx, contact._id))].map(({ _id }) => _id);
  // One is left for the person whose referring objects come next.
  const atOnce = persons.slice(0, ERASED_AT_ONCE - 1);
  const blanked = await eraseObjects(ctx, store, atOnce, contact._id);
  const numItems = ERASED_AT_ONCE - atOnce.length;
  const page = await eraseReferring(ctx, store, { persons, cursor: null }, numItems);
  const scope = jobScopeOf(store.scope);
  const erasedAt = Date.now();
  const job = nextStep(begun(erasedAt), erasedAt, {
    done: atOnce.length + page.blanked.objectIds.length,
  });
  const erasureId = await ctx.db.insert("erasures", {
    organizationId: store.organizationId,
    scope,
    contactId: contact._id,
    objectIds: [...blanked.objectIds, ...page.blanked.objectIds],
    portalUserIds: page.blanked.portalUserIds,
    ...(page.left === undefined ? {} : { referring: page.left }),
    status: "running",
    position: { stage: 0, cursor: null },
    job,
    erasedAt,
  });
  await continueErasureAt(ctx, erasureId, job, erasedAt);
  for (const contactId of persons) {
    const forgotten = { contactId, cursor: null };
    await ctx.scheduler.runAfter(0, internal.delivery.retention.forgetPerson, forgotten);
  }
  return await erasureOf(ctx, erasureId);
}

/**
 * Blanks one more page: of the history of what was blanked last, then of what refers to the person,
 * then of kept answers. The position moves with the page, so a job that was lost goes on after it.
 */
export async function stepErasure(
  ctx: MutationCtx,
  id: Id<"erasures">,
  lease?: number,
): Promise<void> {
  const erasure = await erasureOf(ctx, id);
  const state = jobOfErasure(erasure);
  if (erasure.status === "completed" || !isTurn(state, lease)) return;
  const { organizationId, referring, position } = erasure;
  const task = historyOf((await lastPage(ctx, id)) ?? erasure)[position.stage];
  const now = Date.now();
  const goOn = async (changes: Partial<Erasure>, blanked = 0): Promise<void> => {
    const job = nextStep(state, now, { done: (state.progress?.done ?? 0) + blanked });
    await ctx.db.patch("erasures", id, { ...changes, job, steppedAt: undefined });
    await continueErasureAt(ctx, id, job, now);
  };
  if (task) {
    const cursor = await blankHistory(ctx, organizationId, task, position.cursor);
    const stage = cursor === null ? position.stage + 1 : position.stage;
    await goOn({ position: { stage, cursor } });
  } else if (referring) {
    const store = new ObjectStore(ctx, erasure.scope);
    const { blanked, left } = await erasePageOfReferring(ctx, store, referring);
    await store.finish();
    await ctx.db.insert("erasurePages", { erasureId: id, ...blanked });
    const start = { stage: 0, cursor: null };
    await goOn({ referring: left, position: start }, blanked.objectIds.length);
  } else {
    const erased = await erasedIn(ctx, erasure);
    const cursor = await blankReplies(ctx, organizationId, erased, position.cursor);
    if (cursor !== null) {
      await goOn({ position: { ...position, cursor } });
      return;
    }
    const done = { status: "completed" as const, completedAt: now, steppedAt: undefined };
    await ctx.db.patch("erasures", id, { ...done, job: succeeded(state, now) });
  }
}

/** Also of a row of before there was one shape of jobs. */
export function jobOfErasure(erasure: Erasure): Job {
  const { job, status, erasedAt, steppedAt = erasedAt, completedAt = steppedAt } = erasure;
  if (job) return job;
  const old = underWayAt(steppedAt);
  return status === "running" ? old : ended(old, "succeeded", completedAt);
}

export async function continueErasureAt(
  ctx: MutationCtx,
  erasureId: Id<"erasures">,
  { lease }: Job,
  at: number,
): Promise<void> {
  await ctx.scheduler.runAt(at, internal.crmJobs.continueErasure, { erasureId, lease });
}

function historyOf({ objectIds, portalUserIds = [] }: Blanked): HistoryTask[] {
  return TABLES.flatMap((table) => [
    ...objectIds.map((id) => ({ table, as: "object" as const, id })),
    ...portalUserIds.map((id) => ({ table, as: "actor" as const, id })),
  ]);
}

async function lastPage(
  ctx: MutationCtx,
  erasureId: Id<"erasures">,
): Promise<Doc<"erasurePages"> | null> {
  return await ctx.db
    .query("erasurePages")
    .withIndex("by_erasure", (q) => q.eq("erasureId", erasureId))
    .order("desc")
    .first();
}

async function erasedIn(ctx: MutationCtx, { _id, objectIds }: Erasure): Promise<Set<string>> {
  const pages = await ctx.db
    .query("erasurePages")
    .withIndex("by_erasure", (q) => q.eq("erasureId", _id))
    .collect();
  return new Set([...objectIds, ...pages.flatMap((page) => page.objectIds)]);
}

async function erasureOf(ctx: MutationCtx, id: Id<"erasures">): Promise<Erasure> {
  const erasure = await ctx.db.get("erasures", id);
  if (!erasure) throw new Error(`There is no erasure ${id}.`);
  return erasure;
}

async function isErased(ctx: MutationCtx, contact: ObjectDoc): Promise<boolean> {
  const erasure = await ctx.db
    .query("erasures")
    .withIndex("by_organization", (q) =>
      q.eq("organizationId", contact.organizationId).eq("contactId", contact._id),
    )
    .first();
  return erasure !== null;
}

/** The tombstones of the contacts that went into this one; the merges themselves are forgotten. */
async function mergedInto(
  ctx: MutationCtx,
  targetId: Id<"objects">,
): Promise<ObjectDoc<"crm_contact">[]> {
  const asSource = await ctx.db
    .query("contactMerges")
    .withIndex("by_source", (q) => q.eq("sourceId", targetId))
    .collect();
  const asTarget = await ctx.db
    .query("contactMerges")
    .withIndex("by_target", (q) => q.eq("targetId", targetId))
    .collect();
  const found: ObjectDoc<"crm_contact">[] = [];
  for (const { _id, sourceId, status } of [...asTarget, ...asSource]) {
    await ctx.db.delete("contactMerges", _id);
    const source = sourceId === targetId ? null : await ctx.db.get("objects", sourceId);
    if (!source || !isOfType(source, "crm_contact") || status === "undone") continue;
    found.push(source, ...(await mergedInto(ctx, sourceId)));
  }
  return found;
}

/** The next of what refers to the persons that are left; the first of them goes with it. */
async function erasePageOfReferring(
  ctx: MutationCtx,
  store: ObjectStore,
  referring: Referring,
): Promise<{ blanked: Blanked; left: Referring | undefined }> {
  const [personId] = referring.persons;
  // Most are blank already; one that was merged with a hundred others is not.
  const own = personId ? await eraseObjects(ctx, store, [personId], personId) : NOTHING;
  const page = await eraseReferring(ctx, store, referring, ERASED_AT_ONCE - 1);
  const objectIds = [...own.objectIds, ...page.blanked.objectIds];
  return { blanked: { ...page.blanked, objectIds }, left: page.left };
}

async function eraseReferring(
  ctx: MutationCtx,
  store: ObjectStore,
  { persons, cursor }: Referring,
  numItems: number,
): Promise<{ blanked: Blanked; left: Referring | undefined }> {
  const [personId, ...others] = persons;
  if (!personId) return { blanked: NOTHING, left: undefined };
  const page = await referringPage(ctx, store.organizationId, personId, { numItems, cursor });
  const blanked = await eraseObjects(ctx, store, page.ids, personId);
  if (page.cursor !== null) return { blanked, left: { persons, cursor: page.cursor } };
  await endHiding(ctx, store.organizationId, personId);
  const gone = await deletedCommentsOn(ctx, store.organizationId, personId, ERASED_AT_ONCE);
  if (gone.length > 0) {
    const more = await eraseObjects(ctx, store, gone, personId);
    const objectIds = [...blanked.objectIds, ...more.objectIds];
    return { blanked: { ...blanked, objectIds }, left: { persons, cursor: null } };
  }
  const left = others.length === 0 ? undefined : { persons: others, cursor: null };
  return { blanked, left };
}

/** Those of the objects that say something of the person, or are it. */
async function eraseObjects(
  ctx: MutationCtx,
  store: ObjectStore,
  ids: Id<"objects">[],
  personId: Id<"objects">,
): Promise<Required<Blanked>> {
  const blanked: Required<Blanked> = { objectIds: [], portalUserIds: [] };
  for (const id of ids) {
    const object = await ctx.db.get("objects", id);
    if (!object || !(await eraseObject(ctx, store, object, personId))) continue;
    blanked.objectIds.push(id);
    if (isOfType(object, "frontend_user")) blanked.portalUserIds.push(id);
  }
  return blanked;
}

/** Whether it says something of the person; what is blank already is not written again. */
async function eraseObject(
  ctx: MutationCtx,
  store: ObjectStore,
  object: ObjectDoc,
  personId: Id<"objects">,
): Promise<boolean> {
  const definition = definitionOf(object.type);
  const stored = object as ObjectRecord<string, string, Properties<ObjectDoc["type"]>>;
  const remains = definition.withoutPerson?.(stored, personId);
  if (!remains) return false;
  const left = remains.left as Properties<ObjectDoc["type"]>;
  if (!remains.isRemoved) {
    await store.update(object, { customProperties: nothingBut(object, left) });
    await forgetIssue(ctx, object._id);
    await forgetFiles(ctx, object._id);
    await recordErasure(ctx, store.scope, object);
    await forgetConflicts(ctx, object._id);
    await forgetRevisions(ctx, object._id);
    return true;
  }
  if (isBlank(object, left)) return true;
  if (object.lifecycle !== "deleted")
    await store.remove(object, { isReferenced: true, comments: "hidden" });
  await store.blank(object, left);
  await recordErasure(ctx, store.scope, object);
  const attached = { organizationId: store.organizationId, ownerId: object._id, isErased: true };
  await ctx.scheduler.runAfter(0, internal.attachments.removal.removeOfOwner, attached);
  await forgetConflicts(ctx, object._id);
  await forgetRevisions(ctx, object._id);
  return true;
}

/** What is left of it, and without what is not. */
function nothingBut(
  { customProperties }: ObjectDoc,
  left: Properties<ObjectDoc["type"]>,
): Partial<Properties<ObjectDoc["type"]>> {
  const gone = Object.keys(customProperties).filter((name) => !Object.hasOwn(left, name));
  return { ...Object.fromEntries(gone.map((name) => [name, undefined])), ...left };
}

function isBlank(
  { lifecycle, name, description, customProperties }: ObjectDoc,
  left: Value,
): boolean {
  const isEmpty = name === "" && description === undefined;
  return lifecycle === "deleted" && isEmpty && compareValues(customProperties, left) === 0;
}
