import type { Answer, Request } from "../helpers/answer";
import type { Backend } from "../helpers/backend";

/** The data of answers that the CRM's own tests read. */
export type Report = {
  importId: string;
  status: string;
  dryRun: boolean;
  rows: number;
  created: number;
  updated: number;
  failed: number;
  skipped: number;
  errors: { row: number; path?: string; message: string }[];
  unread: number | null;
  skippedRows: { row: number; message: string }[];
  warnings: { row: number; path?: string; message: string }[];
  ignoredColumns: string[];
};
export type Contact = {
  id: string;
  name: string;
  firstName: string | null;
  lastName: string | null;
  email: string | null;
  phone: string | null;
  company: string | null;
  jobTitle: string | null;
  notes: string | null;
  tags: string[];
  subtype: string;
  address: Record<string, string> | null;
  customFields: Record<string, unknown>;
  crmOrganizationId: string | null;
};
export type BulkResult = {
  results: {
    index: number;
    status: string;
    id?: string;
    error?: { code: string; details: unknown };
  }[];
  created: number;
  updated: number;
  failed: number;
};
export type Merged = {
  contact: Contact;
  merge: { id: string; status: string; moved: number; sourceId: string; targetId: string };
};

// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- a test says what it reads
export function dataOf<Data>(answer: Answer): Data {
  if (answer.status >= 400) throw new Error(`${answer.status}: ${answer.text}`);
  return answer.body.data as unknown as Data;
}

export async function importFile(
  request: Request,
  file: string | Uint8Array<ArrayBuffer>,
  { query = "", type = "text/csv" }: { query?: string; type?: string } = {},
): Promise<Answer> {
  const headers = { "Content-Type": type };
  return await request("POST", `/crm/contacts/import${query}`, { raw: file, headers });
}

export async function newContact(request: Request, fields: object): Promise<string> {
  const answer = await request("POST", "/crm/contacts", { body: fields });
  if (answer.status >= 400) throw new Error(answer.text);
  return answer.body.contactId;
}

export async function contactsOf(request: Request): Promise<Contact[]> {
  const answer = await request("GET", "/crm/contacts/export?format=json");
  return dataOf<Contact[]>(answer);
}

/** How many rows of a table there are, to tell that nothing was written. */
export async function rowCount(
  backend: Backend,
  table:
    | "objects"
    | "events"
    | "auditLogs"
    | "countDeltas"
    | "objectLinks"
    | "idempotencyRecords"
    | "uploads",
): Promise<number> {
  return await backend.run(async (ctx) => (await ctx.db.query(table).collect()).length);
}
