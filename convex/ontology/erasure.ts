import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { notFound } from "../kit/errors";
import { blankReplies } from "../kit/idempotency";
import type { ObjectRecord } from "./definition";
import { definitionOf } from "./derived";
import { blankHistory } from "./history";
import { referringTo } from "./links";
import { isOfType } from "./reader";
import type { ObjectDoc, Properties } from "./registry";
import type { ObjectStore } from "./store";

/**
 * Erasing a person (GDPR, article 17): the contact, the contacts that were merged into it, its portal
 * users and what drafts say of it are blanked at once; its history and the answers kept for repeated
 * requests by a job. Issued invoices stay as they are, as the law wants them.
 */
export type Erasure = Doc<"erasures">;

/** A person with more merges, portal users or drafts than this has the rest erased by the job. */
const REFERRING_AT_ONCE = 100;
const TABLES = ["events", "auditLogs"] as const;

/** Also of a contact that has been deleted: its tombstone says who it was. @throws CONTACT_NOT_FOUND */
export async function erasePerson(
  ctx: MutationCtx,
  store: ObjectStore,
  id: string,
): Promise<Erasure> {
  const contactId = ctx.db.normalizeId("objects", id);
  const contact = contactId && (await ctx.db.get("objects", contactId));
  const isOurs = contact?.organizationId === store.organizationId;
  if (!contact || !isOurs || !isOfType(contact, "crm_contact") || (await isErased(ctx, contact))) {
    throw notFound("contact");
  }
  const persons = [contact, ...(await mergedInto(ctx, contact._id))];
  const erased: Id<"objects">[] = [];
  for (const person of persons) {
    erased.push(person._id, ...(await eraseFromReferring(ctx, store, person._id)));
    await eraseObject(store, person, person._id);
  }
  const { viewer: _viewer, ...scope } = store.scope;
  const erasureId = await ctx.db.insert("erasures", {
    organizationId: store.organizationId,
    scope,
    contactId: contact._id,
    objectIds: erased,
    status: "running",
    position: { stage: 0, cursor: null },
    erasedAt: Date.now(),
  });
  return await stepErasure(ctx, erasureId);
}

/** Blanks one more page of what is kept elsewhere, and goes on until there is none. */
export async function stepErasure(ctx: MutationCtx, id: Id<"erasures">): Promise<Erasure> {
  const erasure = await erasureOf(ctx, id);
  if (erasure.status === "completed") return erasure;
  const { organizationId, objectIds, position } = erasure;
  const historyStages = objectIds.length * TABLES.length;
  const objectId = objectIds[Math.floor(position.stage / TABLES.length)];
  const table = TABLES[position.stage % TABLES.length];
  const cursor =
    objectId && table
      ? await blankHistory(ctx, table, organizationId, objectId, position.cursor)
      : await blankReplies(ctx, organizationId, objectIds, position.cursor);
  const stage = cursor === null ? position.stage + 1 : position.stage;
  if (stage > historyStages) {
    await ctx.db.patch("erasures", id, { status: "completed", completedAt: Date.now() });
    return await erasureOf(ctx, id);
  }
  await ctx.db.patch("erasures", id, { position: { stage, cursor } });
  await ctx.scheduler.runAfter(0, internal.crmJobs.continueErasure, { erasureId: id });
  return await erasureOf(ctx, id);
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

/** What refers to the person and says something of it; answers the ids of what is the person, too. */
async function eraseFromReferring(
  ctx: MutationCtx,
  store: ObjectStore,
  personId: Id<"objects">,
): Promise<Id<"objects">[]> {
  const ids = await referringTo(ctx, store.organizationId, personId, REFERRING_AT_ONCE);
  const erased: Id<"objects">[] = [];
  for (const id of ids) {
    const object = await ctx.db.get("objects", id);
    if (object && (await eraseObject(store, object, personId))) erased.push(id);
  }
  return erased;
}

/** Whether anything of it was blanked. */
async function eraseObject(
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
    await store.update(object, { customProperties: left });
    return true;
  }
  if (object.lifecycle !== "deleted") await store.remove(object, { isReferenced: true });
  await store.blank(object, left);
  return true;
}
