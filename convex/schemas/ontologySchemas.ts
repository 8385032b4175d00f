import { defineTable } from "convex/server";
import { v } from "convex/values";
import type { ObjectTypeDefinition, StoredProperties } from "../ontology/definition";
import { objectTypes } from "../types";

/** Who did it: as stored in audit entries and events. */
export const actor = v.object({
  type: v.union(
    v.literal("api_key"),
    v.literal("user"),
    v.literal("portal_user"),
    v.literal("system"),
  ),
  id: v.string(),
  name: v.string(),
});

/** See ontology/counts.ts. */
const cells = v.array(
  v.object({
    key: v.array(v.string()),
    count: v.number(),
    sums: v.optional(v.record(v.string(), v.int64())),
  }),
);

const objectFields = {
  organizationId: v.id("organizations"),
  name: v.string(),
  description: v.optional(v.string()),
  version: v.number(),
  /** The id of the API key or user that made it. */
  createdBy: v.string(),
  createdAt: v.number(),
  updatedAt: v.number(),
  deletedAt: v.optional(v.number()),
  /** Nothing may bring it back: the person whom it was about has been erased. */
  erasedAt: v.optional(v.number()),
  commitTs: v.commitTs(),
  /** When its present content was written, by the writer's clock: what the last write wins by. */
  editedAt: v.optional(v.number()),
  /** The id under which a device made it before the server knew it. */
  clientId: v.optional(v.string()),
  /** Set while the latest writes are one device's: which, by its own clock, since which version. */
  pushedBy: v.optional(v.object({ device: v.string(), editedAt: v.number(), since: v.number() })),
  /** Leads every list's index: a list of living objects never steps over tombstones. */
  lifecycle: v.union(v.literal("live"), v.literal("archived"), v.literal("deleted")),
  searchText: v.string(),
  sortName: v.string(),
  lookupKey: v.optional(v.string()),
  facet: v.optional(v.string()),
  parentId: v.optional(v.id("objects")),
  relatedId: v.optional(v.id("objects")),
  subjectId: v.optional(v.id("objects")),
  documentDate: v.optional(v.number()),
  dueAt: v.optional(v.number()),
  rank: v.optional(v.string()),
  /** Whether its counts have its sums: of types whose sums began later than the type (`sumsBegan`). */
  isSummed: v.optional(v.literal(true)),
};

function objectValidator<
  Type extends string,
  Subtype extends string,
  Status extends string,
  Properties extends StoredProperties,
>(definition: ObjectTypeDefinition<Type, Subtype, Status, Properties>) {
  return v.object({
    ...objectFields,
    type: v.literal(definition.type),
    subtype: v.union(...definition.subtypes.map((subtype) => v.literal(subtype))),
    status: v.union(...definition.statuses.map((status) => v.literal(status))),
    customProperties: definition.properties,
  });
}

type Definition = (typeof objectTypes)[keyof typeof objectTypes];
type ValidatorOf<D extends Definition> = D extends Definition
  ? ReturnType<
      typeof objectValidator<
        D["type"],
        D["subtypes"][number],
        D["statuses"][number],
        D["properties"]
      >
    >
  : never;
/** What `Object.values` says of the registry, its types told apart. */
const definitions = Object.values(objectTypes) as ObjectTypeDefinition[];
const objectValidators = definitions.map(objectValidator) as unknown as ValidatorOf<Definition>[];

const LIST = ["organizationId", "type", "lifecycle"] as const;
/** The small enumerations by which objects are counted. */
const CELL = ["status", "subtype", "facet"] as const;

export const ontologyTables = {
  /**
   * Every business object, told apart by `type`.
   * Written by ontology/store.ts alone; read by tenant-scoped readers (ontology/list.ts, store.ts);
   * never deleted while its tombstone may still be pulled.
   */
  objects: defineTable(v.union(...objectValidators))
    // How lists choose among these: ontology/accessPaths.ts.
    .index("list", [...LIST, "createdAt"])
    .index("list_by_name", [...LIST, "sortName"])
    .index("list_by_documentDate", [...LIST, "documentDate"])
    .index("list_cells", [...LIST, ...CELL, "createdAt"])
    .index("list_cells_by_name", [...LIST, ...CELL, "sortName"])
    .index("list_cells_by_updatedAt", [...LIST, ...CELL, "updatedAt"])
    .index("list_cells_by_documentDate", [...LIST, ...CELL, "documentDate"])
    .index("list_parentId", [...LIST, "parentId", "createdAt"])
    .index("list_parentId_by_documentDate", [...LIST, "parentId", "documentDate"])
    .index("list_relatedId", [...LIST, "relatedId", "createdAt"])
    .index("list_relatedId_by_documentDate", [...LIST, "relatedId", "documentDate"])
    .index("list_subjectId", [...LIST, "subjectId", "createdAt"])
    .index("list_by_rank", [...LIST, "parentId", "status", "rank"])
    .index("list_lookupKey", [...LIST, "lookupKey"])
    .index("due", [...LIST, "status", "dueAt"])
    .index("by_commit", ["organizationId", "commitTs"])
    .searchIndex("search", {
      searchField: "searchText",
      filterFields: [...LIST, "status", "subtype", "facet", "parentId", "relatedId", "subjectId"],
    }),

  /**
   * Relations between objects, derived from what a type declares in `columns().links`.
   * Written and deleted by ontology/store.ts with the object they start from; read by it before a
   * delete ("others point to it").
   */
  objectLinks: defineTable({
    organizationId: v.id("organizations"),
    from: v.id("objects"),
    fromType: v.string(),
    /** When the object it starts from was created: lists through links sort by it. */
    fromCreatedAt: v.number(),
    to: v.id("objects"),
    linkType: v.string(),
  })
    .index("by_from", ["organizationId", "from"])
    .index("by_to", ["organizationId", "to", "linkType"])
    .index("by_to_and_type", ["organizationId", "to", "fromType", "fromCreatedAt"]),

  /**
   * What lists are filtered by of which an object may have several values: whom a task is assigned to.
   * Derived from what a type declares in `terms`; written and deleted by ontology/terms.ts with the
   * object; read by its lists (ontology/termedRows.ts).
   */
  objectTerms: defineTable({
    organizationId: v.id("organizations"),
    type: v.string(),
    /** `<filter>:<value>` */
    term: v.string(),
    status: v.string(),
    objectId: v.id("objects"),
    /** When the object was created: lists sort by it. */
    createdAt: v.number(),
  })
    .index("by_term", ["organizationId", "type", "term", "status", "createdAt"])
    .index("by_object", ["objectId"]),

  /**
   * By what an object might be the same as another: normalized e-mails, phones, names, merged
   * addresses, vCards. Written and deleted by ontology/matchKeys.ts with the object; read by the list
   * of duplicates and where a contact is looked up (ontology/contactIdentity.ts).
   */
  objectMatchKeys: defineTable({
    organizationId: v.id("organizations"),
    type: v.string(),
    kind: v.union(
      v.literal("email"),
      v.literal("phone"),
      v.literal("name"),
      v.literal("address"),
      v.literal("card"),
    ),
    key: v.string(),
    objectId: v.id("objects"),
    /** Whether another object has the same key. */
    isShared: v.boolean(),
  })
    .index("by_key", ["organizationId", "type", "kind", "key"])
    .index("by_shared", ["organizationId", "type", "isShared", "kind", "key"])
    .index("by_object", ["objectId", "kind"]),

  /**
   * What happened, for those who follow: webhooks, activity, the event feed.
   * Written by ontology/effects.ts in the transaction of the change; read in commit order; deleted
   * by maintenance.ts after 90 days.
   */
  events: defineTable({
    organizationId: v.id("organizations"),
    type: v.string(),
    objectType: v.string(),
    objectId: v.string(),
    at: v.number(),
    actor,
    /** The object after the change: its view, as JSON text (eventData.ts). */
    data: v.any(),
    /** What changed of it as it was before; absent when the object is new. */
    previous: v.optional(v.any()),
    traceId: v.string(),
    commitTs: v.commitTs(),
  })
    .index("by_commit", ["organizationId", "commitTs"])
    .index("by_object", ["organizationId", "objectId", "commitTs"])
    .index("by_actor", ["organizationId", "actor.id", "commitTs"])
    .index("by_time", ["organizationId", "at"]),

  /**
   * Folded counts and sums, one row per group (and period): how many living objects have which
   * subtype, status and facet, what a month's invoices come to.
   * Written by ontology/counts.ts when it folds, so that no two writes meet here; read for `total`,
   * balances and reports.
   */
  counts: defineTable({
    organizationId: v.id("organizations"),
    group: v.string(),
    period: v.optional(v.string()),
    cells,
  })
    .index("by_group", ["organizationId", "group", "period"])
    .index("by_period", ["organizationId", "period", "group"]),

  /**
   * Changes of counts that no fold has taken up yet. Inserted with the write that causes them,
   * deleted by the fold: a total is folded + pending, so it is exact and no row is hot.
   */
  countDeltas: defineTable({
    organizationId: v.id("organizations"),
    group: v.string(),
    period: v.optional(v.string()),
    cells,
    commitTs: v.commitTs(),
  })
    .index("by_group", ["organizationId", "group", "period"])
    .index("by_period", ["organizationId", "period", "group"])
    .index("by_commit", ["commitTs"]),
};
