import { ConvexError, v } from "convex/values";
import * as z from "zod";
import { internal } from "../_generated/api";
import { internalMutation, type MutationCtx } from "../_generated/server";
import { type ErrorData, errorDataOf, notFound } from "../kit/errors";
import { parseFields } from "../kit/input";
import { mergedChanges } from "../kit/mergePatch";
import { jobScope } from "../schemas/crmSchemas";
import { contactCreation, contactPatch, contactUpdate } from "../types/contact/input";
import type { Known } from "./contactByEmail";
import { contactOfRow, personOf } from "./contactIdentity";
import { changeContact, saveContact, type SavedContact } from "./contactRules";
import { jobScopeOf, type WriteScope } from "./effects";
import { schemasOf } from "./fieldSchemas";
import { changeRecord, createRecord } from "./records";
import { ObjectStore } from "./store";
import { crmOrganizationType } from "../types/crmOrganization/type";
import { taskType } from "../types/task/type";
import { once } from "../kit/once";

/**
 * Many writes in one transaction, each of which happens whole or not at all. They are tried in groups,
 * each a nested transaction; only where one is refused are those of its group tried one by one. What
 * a refused group read counts toward the limits of the whole, so groups are small, and after so many
 * items of refused groups all further ones are tried one by one: none is then tried twice.
 */
const GROUP_SIZE = 10;
const TRIED_IN_VAIN = 20;

const withId = once(() => ({ id: z.string().max(64) }));
const contactChange = once(() => contactPatch().extend(withId()));
const organization = once(() => schemasOf(crmOrganizationType));
const organizationChange = once(() => organization().patch.extend(withId()));
const task = once(() => schemasOf(taskType));
/** Of the project that the batch is for. */
const taskCreation = once((): z.ZodObject => task().creation.omit({ projectId: true } as never));
const taskChange = once(() => task().patch.extend({ ...withId(), force: z.boolean().optional() }));

/** What a batch may hold: with `id` a change of that object, without it what `POST` takes. */
export const batchItems = once(() => ({
  contact: z.union([contactCreation(), contactChange()]),
  organization: z.union([organization().creation, organizationChange()]),
  task: z.union([taskCreation(), taskChange()]),
}));
export type BatchOf = keyof ReturnType<typeof batchItems>;

type Written = { status: "created" | "updated"; id: string };
/** A rule's error names fields of the item. */
export type ItemResult = Written | { status: "error"; error: ErrorData };
export type Judged = { item: object } | { error: ErrorData };

const written = v.object({
  status: v.union(v.literal("created"), v.literal("updated")),
  id: v.string(),
});
const batchOf = v.union(
  ...[v.literal("contact"), v.literal("organization"), v.literal("task"), v.literal("row")],
);

/** Whether an item fits its schema. */
export function judged(of: BatchOf, item: unknown, timeZone: string): Judged {
  const changes = typeof item === "object" && item !== null && "id" in item;
  const { creation, change } = schemas[of]();
  return judgedBy(changes ? change : creation, item, { timeZone, isChange: changes });
}

const schemas: Record<BatchOf, () => { creation: z.ZodType; change: z.ZodType }> = {
  contact: () => ({ creation: contactCreation(), change: contactChange() }),
  organization: () => ({ creation: organization().creation, change: organizationChange() }),
  task: () => ({ creation: taskCreation(), change: taskChange() }),
};

export function judgedBy(
  schema: z.ZodType,
  item: unknown,
  reading: Parameters<typeof parseFields>[2] = { timeZone: null },
): Judged {
  try {
    return { item: parseFields(schema, item, reading) as object };
  } catch (error) {
    const refusal = errorDataOf(error);
    if (!refusal) throw error;
    return { error: refusal };
  }
}

/**
 * Writes what was judged well, each item for itself; the results are in the order of the items. With
 * `rehearse`, everything is rolled back again.
 */
export async function writeBatch(
  ctx: MutationCtx,
  scope: WriteScope,
  of: BatchOf | "row",
  items: readonly Judged[],
  rehearse = false,
): Promise<ItemResult[]> {
  const good = items.flatMap((judgement) => ("item" in judgement ? [judgement.item] : []));
  const results: ItemResult[] = [];
  let triedInVain = 0;
  while (results.length < good.length) {
    const size = triedInVain < TRIED_IN_VAIN ? GROUP_SIZE : 1;
    const group = good.slice(results.length, results.length + size);
    const written = await writeGroup(ctx, scope, of, group, rehearse);
    results.push(...(written ?? (await writeEach(ctx, scope, of, group, rehearse))));
    if (!written) triedInVain += group.length;
  }
  return items.flatMap((judgement): ItemResult[] =>
    "error" in judgement ? [{ status: "error", error: judgement.error }] : results.splice(0, 1),
  );
}

async function writeEach(
  ctx: MutationCtx,
  scope: WriteScope,
  of: BatchOf | "row",
  items: readonly object[],
  rehearse: boolean,
): Promise<ItemResult[]> {
  const results: ItemResult[] = [];
  for (const item of items) {
    results.push(...((await writeGroup(ctx, scope, of, [item], rehearse)) ?? []));
  }
  return results;
}

/** The results; null where one of several is refused, and so none is written. */
async function writeGroup(
  ctx: MutationCtx,
  scope: WriteScope,
  of: BatchOf | "row",
  items: readonly object[],
  rehearse: boolean,
): Promise<ItemResult[] | null> {
  const { member } = scope;
  const args = {
    ...{ scope: jobScopeOf(scope), of, items: JSON.stringify(items), rehearse },
    ...(member === undefined ? {} : { member }),
  };
  try {
    return await ctx.runMutation(internal.ontology.batch.write, args);
  } catch (error) {
    const refusal = errorDataOf(error);
    const rehearsed = refusal === null ? rehearsedResults(error) : null;
    if (rehearsed) return rehearsed;
    if (!refusal) throw error;
    return items.length === 1 ? [{ status: "error", error: refusal }] : null;
  }
}

/** One nested transaction: all of the items, or a refusal and none. */
export const write = internalMutation({
  args: {
    scope: jobScope,
    /** Whose sight and roles go by teams: a scope of jobs leaves that out. */
    member: v.optional(v.id("users")),
    of: batchOf,
    items: v.string(),
    rehearse: v.boolean(),
  },
  returns: v.array(written),
  handler: async (ctx, { scope, member, of, items, rehearse }): Promise<Written[]> => {
    const store = new ObjectStore(ctx, member === undefined ? scope : { ...scope, member });
    const results: Written[] = [];
    for (const item of JSON.parse(items) as object[])
      results.push(await writers[of](store, item, ctx));
    await store.finish();
    if (rehearse) throw new Rehearsed(results);
    return results;
  },
});

/** Thrown in place of the results that it carries, so that what led to them is rolled back. */
class Rehearsed extends ConvexError<{ rehearsed: Written[] }> {
  constructor(results: Written[]) {
    super({ rehearsed: results });
  }
}

function rehearsedResults(error: unknown): Written[] | null {
  if (!(error instanceof ConvexError)) return null;
  const data: unknown = error.data;
  const isRehearsed = typeof data === "object" && data !== null && "rehearsed" in data;
  return isRehearsed ? (data.rehearsed as Written[]) : null;
}

type Writer = (store: ObjectStore, item: object, ctx: MutationCtx) => Promise<Written>;

const writers: Record<BatchOf | "row", Writer> = {
  contact: async (store, item) => {
    if ("id" in item) {
      const { id, ...patch } = item as z.output<ReturnType<typeof contactChange>>;
      const contact = await store.require("crm_contact", id);
      const changes = mergedChanges(contactUpdate(), contact.customProperties, patch);
      return { status: "updated", id: (await changeContact(store, contact, changes))._id };
    }
    return await writeContact(store, item);
  },
  organization: async (store, item, ctx) => {
    if ("id" in item) {
      const { id, ...patch } = item as z.output<ReturnType<typeof organizationChange>>;
      const known = await store.require("crm_organization", id);
      const changes = mergedChanges(organization().update, known.customProperties, patch);
      return { status: "updated", id: (await changeRecord({ ctx, store }, known, changes))._id };
    }
    const fields = item as z.output<ReturnType<typeof organization>["creation"]>;
    const made = await createRecord({ ctx, store }, "crm_organization", fields);
    return { status: "created", id: made._id };
  },
  task: writeTask,
  row: writeRow,
};

/** A task as a batch has it: with the project that the batch is for. */
export type TaskItem = { projectId: string; item: object };

/** @throws TASK_NOT_FOUND for a task of another project */
async function writeTask(store: ObjectStore, sent: object, ctx: MutationCtx): Promise<Written> {
  const { projectId, item } = sent as TaskItem;
  if (!("id" in item)) {
    const made = await createRecord({ ctx, store }, "task", { ...item, projectId });
    return { status: "created", id: made._id };
  }
  const { id, force, ...patch } = item as { id: string; force?: boolean };
  const known = await store.require("task", id);
  if (known.parentId !== projectId) throw notFound("task");
  const changes = mergedChanges(task().update, known.customProperties, patch);
  const isForced = force === true;
  const changed = await changeRecord({ ctx, store, isForced }, known, changes);
  return { status: "updated", id: changed._id };
}

/**
 * A row of an import. An id says which contact it is, but only here: in a file from elsewhere, ids
 * and links mean nothing, and the row itself says who it is (contactIdentity.ts).
 */
export type ImportRow = {
  id?: string;
  crmOrganizationId?: string;
  /** The UID of a vCard. */
  card?: string;
  fields: ContactCreation;
};
type ContactCreation = z.output<ReturnType<typeof contactCreation>>;

async function writeRow(store: ObjectStore, item: object): Promise<Written> {
  const { id, crmOrganizationId, card, fields } = item as ImportRow;
  const known = id === undefined ? null : await store.find("crm_contact", id);
  const member =
    crmOrganizationId !== undefined &&
    (await store.find("crm_organization", crmOrganizationId)) !== null;
  const link = member ? { crmOrganizationId } : {};
  if (known) {
    const { organizationInfo: _info, ...changes } = fields;
    const contact = await changeContact(store, known, { ...changes, ...link });
    return { status: "updated", id: contact._id };
  }
  const { organizationInfo, ...given } = fields;
  const found = await contactOfRow(store, personOf(given), card);
  // Where a contact came from stays: an event, an order, or the card that it is known by.
  const kept = found?.contact.customProperties.sourceRef;
  const row = kept === undefined ? given : { ...given, sourceRef: kept };
  const recognize = async (): Promise<Known | null> => found;
  const saved = await saveContact(store, row, organizationInfo, undefined, recognize);
  if (member) await changeContact(store, saved.contact, link);
  return writtenOf(saved);
}

async function writeContact(store: ObjectStore, creation: ContactCreation): Promise<Written> {
  const { organizationInfo, ...fields } = creation;
  return writtenOf(await saveContact(store, fields, organizationInfo));
}

function writtenOf({ contact, isNew }: SavedContact): Written {
  return { status: isNew ? "created" : "updated", id: contact._id };
}
