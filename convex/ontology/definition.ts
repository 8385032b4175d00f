import type { GenericId } from "convex/values";
import type { z } from "zod";

/**
 * An object type: one file of this folder per type defines one, and everything that depends on the
 * type (its table validator, request schemas, index columns, lists, events) is derived from it.
 */
export type ObjectTypeDefinition<
  Type extends string = string,
  Subtype extends string = string,
  Status extends string = string,
  Properties extends z.ZodObject = z.ZodObject,
  Filters extends Record<string, FilterColumn> = Record<string, FilterColumn>,
> = {
  /** The value of `objects.type`. */
  type: Type;
  /** Singular, in words: names errors (`CONTACT_NOT_FOUND`) and events (`contact.created`). */
  resource: string;
  subtypes: readonly [Subtype, ...Subtype[]];
  statuses: readonly [Status, ...Status[]];
  /** Which status may follow which; a type without it lets every status follow every other. */
  transitions?: Record<Status, readonly Status[]>;
  /** The stored `customProperties`. */
  properties: Properties;
  /** Whether `columns().uniqueKey` may live only once per organization. */
  uniqueKeyIs?: { path: string; errorCode: "EMAIL_EXISTS" | "CONFLICT"; message: string };
  columns(record: ObjectRecord<Subtype, Status, z.output<Properties>>): ObjectColumns;
  /** The filters of the type's list, and the column that serves each. */
  filters: Filters;
};

/** What a type says of an object; the store adds identity, version and times. */
export type ObjectRecord<Subtype extends string, Status extends string, Properties> = {
  subtype: Subtype;
  status: Status;
  description?: string;
  customProperties: Properties;
};

/** Columns that the store derives from the record, for the generic indexes of `objects`. */
export type ObjectColumns = {
  name: string;
  /** Everything that full-text search finds the object by. */
  searchText: string;
  /** Exact look-up, such as an e-mail. */
  lookupKey?: string;
  /** A third small enumeration beside subtype and status: a contact's source, a project's priority. */
  facet?: string;
  /** The one object that it belongs to: a contact's CRM organization, a project's client. */
  parentId?: GenericId<"objects">;
  /** Relations to other objects; the store keeps `objectLinks` in step with them. */
  links: { linkType: string; to: GenericId<"objects"> }[];
};

export type FilterColumn = "subtype" | "status" | "facet" | "parentId" | "lookupKey";

export function defineObjectType<
  const Type extends string,
  const Subtype extends string,
  const Status extends string,
  Properties extends z.ZodObject,
  const Filters extends Record<string, FilterColumn>,
>(
  definition: ObjectTypeDefinition<Type, Subtype, Status, Properties, Filters>,
): ObjectTypeDefinition<Type, Subtype, Status, Properties, Filters> {
  return definition;
}
