import type { Doc, Id, TableNames } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { notFound, type Resource } from "./errors";

/**
 * Where an id that came as text becomes a row. A row belongs to the organization that it names, and
 * this is the one place where that is compared: see the lint rules of this file in eslint.config.js.
 */
type Reads = Pick<QueryCtx, "db">;

/** Whose rows are meant: a caller, a reader, a write's scope and a row all are one. */
type Tenant = { organizationId: Id<"organizations"> };

/** The tables whose rows belong to an organization; of any other, nothing is anybody's own. */
export type OwnedTable = {
  [Table in TableNames]: "organizationId" extends keyof Doc<Table> ? Table : never;
}[TableNames];

/** What is missing where a row is: of the tables whose ids callers send. Objects have their reader. */
const RESOURCE_OF = {
  apiKeys: "api key",
  attachments: "attachment",
  conflictLogs: "conflict",
  contactImports: "import",
  contactMerges: "merge",
  devices: "device",
  frontendSessions: "portal session",
  incomingPayments: "payment",
  memberships: "invite",
  notifications: "notification",
  suppressions: "suppression",
  templateJobs: "job",
  timeEntries: "time entry",
  webhookDeliveries: "delivery",
  webhooks: "webhook",
} as const satisfies Partial<Record<OwnedTable, Resource | "payment">>;
export type AskedTable = keyof typeof RESOURCE_OF;

/** Whether a row is the tenant's. */
export function isOwn<Row extends { _id: string; organizationId?: Id<"organizations"> }>(
  { organizationId }: Tenant,
  row: Row | null,
): row is Row {
  return row?.organizationId === organizationId;
}

/**
 * The tenant's row of this id; null for a malformed id, one of another table, a missing row and
 * another organization's alike. Who remembers rows reads through its memory.
 */
export async function findOwn<Table extends OwnedTable>(
  ctx: Reads,
  tenant: Tenant,
  table: Table,
  id: string,
  remembered: Remembered<Table> = async (_id, read) => await read(),
): Promise<Doc<Table> | null> {
  const known = ctx.db.normalizeId(table, id);
  if (!known) return null;
  const row = await remembered(known, async () => await ctx.db.get(table, known));
  return isOwn(tenant, row) ? row : null;
}
type Remembered<Table extends TableNames> = (
  id: Id<Table>,
  read: () => Promise<Doc<Table> | null>,
) => Promise<Doc<Table> | null>;

/**
 * The tenant's row of an id from outside.
 * @param isThere what else must hold of it: one that was revoked is as one that never was
 * @throws `<RESOURCE>_NOT_FOUND`, the same answer for whatever there is not
 */
export async function own<Table extends AskedTable, Row extends Doc<Table> = Doc<Table>>(
  ctx: Reads,
  tenant: Tenant,
  table: Table,
  id: string,
  isThere?: ((row: Doc<Table>) => row is Row) | ((row: Doc<Table>) => boolean),
): Promise<Row> {
  const row = await findOwn(ctx, tenant, table, id);
  if (!row || (isThere && !isThere(row))) throw notFound(RESOURCE_OF[table]);
  return row;
}

/** The organization itself. */
export async function organizationOf(
  ctx: Reads,
  { organizationId }: Tenant,
): Promise<Doc<"organizations">> {
  const organization = await ctx.db.get("organizations", organizationId);
  if (!organization) throw new Error(`Organization ${organizationId} is missing.`);
  return organization;
}

/**
 * An id as text that nobody's organization is compared with, because we wrote it down ourselves, or
 * because something else proves it: a signature, a membership, the index that it is looked up in. Only
 * the files that eslint.config.js lists may do so, each with its reason.
 */
export function idOfAnyTenant<Table extends TableNames>(
  ctx: Reads,
  table: Table,
  id: string,
): Id<Table> | null {
  return ctx.db.normalizeId(table, id);
}

/** The row of such an id. */
export async function rowOfAnyTenant<Table extends TableNames>(
  ctx: Reads,
  table: Table,
  id: string,
): Promise<Doc<Table> | null> {
  const known = idOfAnyTenant(ctx, table, id);
  return known && (await ctx.db.get(table, known));
}
