import type { IndexRange, OrderedQuery, Query } from "convex/server";
import * as z from "zod";
import type { DataModel, Doc, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { areStoredCustomFields, unpackCustomFields } from "../kit/customFields";
import { invalidIn, notFound } from "../kit/errors";
import type { ExportFile } from "../kit/export";
import { rowOfAnyTenant } from "../kit/own";
import { feedSince, feedUntil } from "../kit/time";
import { END_OF_TIME, nanoseconds } from "../ontology/commitOrder";
import { AWAITING, DIGESTS } from "./awaiting";
import { once } from "../kit/once";

/** The audit trail as it is listed and exported, in the order of its commits. */
const id = once(() => z.string().min(1).max(64));

export const trailFilters = once(() => ({
  objectId: id().optional(),
  objectType: z.string().min(1).max(64).optional().meta({ example: "crm_contact" }),
  actorId: id().optional().meta({ description: "Of the user, API key or portal user who did it." }),
  action: z.string().min(1).max(100).optional().meta({ example: "contact.updated" }),
  since: feedSince().optional(),
  until: feedUntil().optional(),
}));
export type TrailFilters = z.output<z.ZodObject<ReturnType<typeof trailFilters>>>;

/** Of a request, what tells its entries from others: the name of their list. */
export function filtersOf(query: TrailFilters): TrailFilters {
  const { objectId, objectType, actorId, action, since, until } = query;
  return { objectId, objectType, actorId, action, since, until };
}

/** Of the files that a document was issued with; `xml` is what `/xml` answers, UBL. */
export const documentSha256 = once(() =>
  z.partialRecord(z.enum(["pdf", "facturx", "xml", "cii"]), z.string()),
);
export type DocumentSha256 = z.output<ReturnType<typeof documentSha256>>;

export const auditEntry = once(() =>
  z
    .object({
      id: z.string(),
      at: z.number(),
      actor: z.object({
        type: z.enum(["api_key", "user", "portal_user", "system"]),
        id: z.string(),
        name: z.string(),
      }),
      role: z
        .string()
        .nullable()
        .meta({ description: "Of a member of staff, as it was at that time." }),
      action: z.string(),
      objectType: z.string(),
      objectId: z.string(),
      changes: z
        .array(
          z.object({
            field: z.string(),
            before: z.unknown().optional(),
            after: z.unknown().optional(),
          }),
        )
        .meta({ description: "A field without values: they have been erased." }),
      documentSha256: documentSha256().optional().meta({
        description:
          "Of the entry by which a document was issued, once its files are made: the SHA-256 of each, hex; `xml` is UBL. It stands in `changes` as well.",
      }),
      traceId: z.string(),
      ip: z.string().nullable(),
      userAgent: z.string().nullable(),
      deviceId: z.string().nullable(),
      sessionId: z.string().nullable(),
      seq: z
        .number()
        .int()
        .nullable()
        .meta({ description: "Its place in the chain, once sealed." }),
      hash: z.string().nullable().meta({ description: "Its link in the chain, once sealed." }),
    })
    .meta({ id: "AuditEntry" }),
);
type AuditEntryView = z.input<ReturnType<typeof auditEntry>>;

export function entryView(entry: Doc<"auditLogs">): AuditEntryView {
  const { _id: id, at, actor, role = null, action, objectType, objectId } = entry;
  const { traceId, ip, userAgent, deviceId = null, sessionId = null } = entry;
  const { hash = null } = entry;
  const seq = entry.seq === AWAITING ? null : (entry.seq ?? null);
  const changes = entry.changes.map(({ field, ...values }) => ({
    field,
    ...("before" in values ? { before: shown(field, values.before) } : {}),
    ...("after" in values ? { after: shown(field, values.after) } : {}),
  }));
  return {
    ...{ id, at, actor, role, action, objectType, objectId, changes },
    ...{ traceId, ip, userAgent, deviceId, sessionId, seq, hash },
    ...digestsOfFiles(entry),
  };
}

function digestsOfFiles({ changes }: Doc<"auditLogs">): Pick<AuditEntryView, "documentSha256"> {
  const found = documentSha256().safeParse(changes.find(({ field }) => field === DIGESTS)?.after);
  return found.success ? { documentSha256: found.data } : {};
}

/** As a caller knows it: only free-form fields are stored in another form. */
function shown(field: string, value: unknown): unknown {
  if (field !== "customFields") return value;
  return areStoredCustomFields(value) ? unpackCustomFields(value) : value;
}

const COLUMNS = [
  "at",
  "actorType",
  "actorId",
  "actorName",
  "role",
  "action",
  "objectType",
  "objectId",
  "changes",
  "ip",
  "userAgent",
  "deviceId",
  "sessionId",
  "traceId",
  "id",
  "seq",
  "hash",
] as const;

export const AUDIT_FILE: ExportFile<Doc<"auditLogs">> = {
  name: "audit",
  columns: COLUMNS,
  cellsOf,
  viewOf: entryView,
};

function cellsOf(entry: Doc<"auditLogs">): string[] {
  const { actor, ...view } = entryView(entry);
  const cells: Record<(typeof COLUMNS)[number], string | number | null> = {
    ...view,
    at: new Date(view.at).toISOString(),
    actorType: actor.type,
    actorId: actor.id,
    actorName: actor.name,
    changes: JSON.stringify(view.changes),
  };
  return COLUMNS.map((column) => String(cells[column] ?? ""));
}

/** Whichever organization an administrator of the deployment asks about. @throws TENANT_NOT_FOUND */
export async function anyOrganization(ctx: QueryCtx, id: string): Promise<Id<"organizations">> {
  const organization = await rowOfAnyTenant(ctx, "organizations", id);
  if (!organization) throw notFound("tenant");
  return organization._id;
}

type Subject = Pick<TrailFilters, "objectId" | "objectType" | "actorId" | "action">;
type Given = { organizationId: Id<"organizations"> } & { [F in keyof Subject]-?: string };
type Entries = OrderedQuery<DataModel["auditLogs"]>;
type Range = Query<DataModel["auditLogs"]>;
type DuringRange = {
  gte(field: "commitTs", from: bigint): { lt(field: "commitTs", to: bigint): IndexRange };
};
type During = (range: DuringRange) => IndexRange;

/** The filters that can be given together, and the index that serves them. */
const SERVED: Record<string, (db: QueryCtx["db"], given: Given, during: During) => Range> = {
  "": (db, { organizationId }, during) =>
    db
      .query("auditLogs")
      .withIndex("by_commit", (q) => during(q.eq("organizationId", organizationId))),
  objectId: (db, { organizationId, objectId }, during) =>
    db
      .query("auditLogs")
      .withIndex("by_object", (q) =>
        during(q.eq("organizationId", organizationId).eq("objectId", objectId)),
      ),
  "objectId and action": (db, { organizationId, objectId, action }, during) =>
    db
      .query("auditLogs")
      .withIndex("by_object_and_action", (q) =>
        during(
          q.eq("organizationId", organizationId).eq("objectId", objectId).eq("action", action),
        ),
      ),
  objectType: (db, { organizationId, objectType }, during) =>
    db
      .query("auditLogs")
      .withIndex("by_object_type", (q) =>
        during(q.eq("organizationId", organizationId).eq("objectType", objectType)),
      ),
  actorId: (db, { organizationId, actorId }, during) =>
    db
      .query("auditLogs")
      .withIndex("by_actor", (q) =>
        during(q.eq("organizationId", organizationId).eq("actor.id", actorId)),
      ),
  action: (db, { organizationId, action }, during) =>
    db
      .query("auditLogs")
      .withIndex("by_action", (q) =>
        during(q.eq("organizationId", organizationId).eq("action", action)),
      ),
};

/** From an index whatever the filters. @throws VALIDATION_ERROR for filters that no index serves */
export function entriesOf(
  { db }: QueryCtx,
  organizationId: Id<"organizations">,
  filters: TrailFilters,
  order: "asc" | "desc",
): Entries {
  const { objectId = "", objectType = "", actorId = "", action = "" } = filters;
  const subject = { objectId, objectType, actorId, action };
  const names = Object.entries(subject).flatMap(([name, value]) => (value === "" ? [] : [name]));
  const entries = SERVED[names.join(" and ")];
  if (!entries) {
    const served = Object.keys(SERVED).filter((name) => name !== "");
    const message = `cannot be combined so; there are ${served.join(", ")}; each with since and until`;
    throw invalidIn("query", names[1] ?? "", message);
  }
  return entries(db, { organizationId, ...subject }, duringOf(filters)).order(order);
}

/** Of all organizations. @throws VALIDATION_ERROR for filters other than times */
export function entriesOfAll({ db }: QueryCtx, filters: TrailFilters): Entries {
  const { since: _since, until: _until, ...others } = filters;
  const [name] = Object.entries(others).flatMap(([key, value]) => (value ? [key] : []));
  if (name) throw invalidIn("query", name, "needs an organizationId as well");
  return db.query("auditLogs").withIndex("by_time", duringOf(filters)).order("desc");
}

/** By the times of commits: `since` and `until` are within. */
function duringOf({ since, until }: Pick<TrailFilters, "since" | "until">): During {
  const from = since === undefined ? 0n : nanoseconds(since);
  const to = until === undefined ? END_OF_TIME : nanoseconds(until + 1);
  if (from >= to) throw invalidIn("query", "until", "must not be before since");
  return (range) => range.gte("commitTs", from).lt("commitTs", to);
}
