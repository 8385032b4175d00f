import type { Id } from "../_generated/dataModel";
import { areStoredCustomFields } from "../kit/customFields";
import { definitionOf } from "./derived";
import type { ObjectDoc, ObjectType, Properties } from "./registry";

/**
 * The portal user whom a reader reads for. What they see is said once, in the `portal` of a type's
 * definition, and applied by every read and write of the tenant (reader.ts, list.ts, store.ts).
 */
export type PortalViewer = {
  userId: Id<"objects">;
  contactId: Id<"objects"> | null;
  /** Of their contact: told to them, and no way to any object (whoever fills in a form names one). */
  crmOrganizationId: Id<"objects"> | null;
  /** The own fields that their organization shows to its customers; of the others they see none. */
  ownFields: readonly string[];
};

type Link = { linkType: string; to: Id<"objects"> };

/** Whether a portal user sees the object. */
export function isShownTo(viewer: PortalViewer, object: ObjectDoc): boolean {
  return object._id === viewer.userId || linkToViewer(viewer, object) !== undefined;
}

/**
 * The first link that makes an object the viewer's: the one to their contact. Undefined
 * where the type's rule shows them none of it.
 */
export function linkToViewer(viewer: PortalViewer, object: ObjectDoc): Link | undefined {
  return linksToCustomers(object).find(({ to }) => to === viewer.contactId);
}

/** The contacts whose portal users see the object. */
export function customersOf(object: ObjectDoc): Id<"objects">[] {
  return [...new Set(linksToCustomers(object).map(({ to }) => to))];
}

function linksToCustomers(object: ObjectDoc): Link[] {
  const definition = definitionOf(object.type);
  const { portal } = definition;
  if (!portal || !(portal.shows?.(object) ?? true)) return [];
  const { links } = definition.columns(object);
  return links.filter(({ linkType }) => portal.through.includes(linkType));
}

/** The object as a portal user reads it: without what is for staff only. */
export function asShownTo<T extends ObjectType>(
  { ownFields }: PortalViewer,
  object: ObjectDoc<T>,
): ObjectDoc<T> {
  const hides: readonly string[] = definitionOf(object.type).portal?.hides ?? [];
  if (hides.length === 0) return object;
  const properties = Object.entries<unknown>(object.customProperties).flatMap(([name, value]) => {
    if (!hides.includes(name)) return [[name, value]];
    if (!areStoredCustomFields(value)) return [];
    return [[name, value.filter(({ key }) => ownFields.includes(key))]];
  });
  const customProperties = Object.fromEntries(properties) as Properties<T>;
  return { ...object, customProperties };
}

/** Whether a portal user may change what they see of the type. */
export function isChangeableByPortal(type: ObjectType): boolean {
  return definitionOf(type).portal?.changes ?? false;
}
