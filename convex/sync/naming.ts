import type { Id } from "../_generated/dataModel";
import { ApiError, invalid, notFound } from "../kit/errors";
import { mergeTargetOf } from "../ontology/contactMerge";
import { definitionOf } from "../ontology/derived";
import { isOfType } from "../ontology/reader";
import type { ObjectDoc } from "../ontology/registry";
import type { SentRecord, SyncContext } from "../ontology/synced";
import type { SyncedDoc, SyncedObjectType } from "../ontology/syncedRecord";
import { isUuid, type PushedChange, resolveReferences } from "./change";

/** What the names in a change mean: of the object that it is about, and of those that it refers to. */

/** What devices call objects, as far as a push needs to know. */
export type Aliases = Record<string, Id<"objects">>;

/**
 * The object that a change names, deleted or not; null for one that the device has just made.
 * @throws `<RESOURCE>_NOT_FOUND`; VALIDATION_ERROR where `id` and `clientId` are not the same object's
 */
export async function subjectOf(
  context: SyncContext,
  aliases: Aliases,
  { id, clientId, type }: PushedChange,
): Promise<SyncedDoc | null> {
  const alias = clientId === undefined ? undefined : aliases[clientId];
  const named = id ?? alias;
  if (named === undefined) return null;
  const object = await context.store.findDeletedToo(named);
  if (!object || !isOfType(object, type)) throw missing(type);
  if (!(await context.store.sight.sees(object))) throw missing(type);
  if (id !== undefined && clientId !== undefined && alias !== object._id) {
    const own = alias === undefined ? null : await context.store.findDeletedToo(alias);
    const successor = own && (await successorOf(context, own));
    if (successor?._id !== object._id) {
      throw invalid([{ path: "clientId", message: "is not that of the object with this id" }]);
    }
  }
  return object;
}

/** A contact that was merged into another goes on as that one; what is said of it is said there. */
export async function successorOf(
  context: SyncContext,
  object: ObjectDoc,
): Promise<ObjectDoc<"crm_contact"> | null> {
  const isGone = object.lifecycle === "deleted" && object.erasedAt === undefined;
  return isGone && isOfType(object, "crm_contact") ? await mergeTargetOf(context, object) : null;
}

/**
 * What a change says, with the ids of what it refers to; where that is a contact that was merged into
 * another, with the other's.
 * @throws REFERENCE_NOT_FOUND for a `clientId` that no push has made anything of yet
 */
export async function resolved(
  context: SyncContext,
  aliases: Aliases,
  change: PushedChange,
  references: readonly string[],
): Promise<SentRecord> {
  const ids = new Set<string>();
  const named = resolveReferences(change.data ?? {}, references, (value, path) => {
    const id = isUuid(value) ? aliases[value] : value;
    if (id === undefined) throw unknownReference(String(value), path);
    if (typeof id === "string") ids.add(id);
    return id;
  });
  const successors = new Map<unknown, string>();
  for (const id of ids) {
    const object = await context.store.findDeletedToo(id);
    const successor = object && (await successorOf(context, object));
    if (successor) successors.set(id, successor._id);
  }
  if (successors.size === 0) return named;
  return resolveReferences(named, references, (value) => successors.get(value) ?? value);
}

function unknownReference(clientId: string, path: string): ApiError {
  const message = "Nothing has been pushed under the clientId that it refers to.";
  return new ApiError("NOT_FOUND", message, {
    as: "REFERENCE_NOT_FOUND",
    details: { path: `data.customProperties.${path}`, clientId },
  });
}

export function missing(type: SyncedObjectType): ApiError {
  return notFound(definitionOf(type).resource);
}
