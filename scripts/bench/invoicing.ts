/** The figures of invoices at growing sizes of one organization: what it reads, and how fast it numbers. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { makeFunctionReference } from "convex/server";
import { adminClient, demoKey } from "./contacts";
import { type Call, Client, latencies, median } from "./load";
import { progress, type Row, step, table } from "./report";
import { type MeasuredServer, removeData, startFreehold } from "./server";

const INVOICES_PER_CONTACT = 100;
const FILLED_AT_ONCE = 16;
const SAMPLES = 100;
const AT_ONCE = 200;
const PAID = [10, 200] as const;
const MAX_PENDING = 8;
const BUDGETS = { "create, 10 lines": 16, "list of 50, status and contact": 66 } as const;

export async function benchInvoicing(sizes: readonly number[]): Promise<void> {
  const server = await startFreehold();
  const client = new Client(`${server.url}/api/v1`, await demoKey(server));
  const contacts: string[] = [];
  const documents: Row[] = [];
  const medians: Row[] = [];
  const checks: Row[] = [];
  let size = 0;
  for (const next of sizes) {
    step(`invoices: filling up to ${next.toLocaleString("en")}`);
    await fill(client, contacts, size, next);
    size = next;
    await fold(server);
    step(`invoices: measuring at ${size.toLocaleString("en")}`);
    const operations = operationsOf(contacts[0] ?? "");
    const read: Row = { invoices: size };
    const took: Row = { invoices: size };
    for (const [name, call] of Object.entries(operations)) {
      read[name] = await documentsRead(server, client, call());
      took[name] = median(await latencies(SAMPLES, () => client.call(call())));
      await fold(server);
    }
    documents.push(read);
    medians.push(took);
    checks.push({ invoices: size, "seconds for a full check": await checkBooks(server) });
  }
  table(`Documents read per request (budgets: ${JSON.stringify(BUDGETS)})`, documents);
  table("Median latency, ms, one at a time", medians);
  table("The daily check of the books, which found nothing", checks);
  table(
    "A contact's balance, by how many of its invoices are paid",
    await balances(server, client),
  );
  client.close();
  await server.stop();
  await removeData(server);
  table(`${AT_ONCE} creations at once in one month`, [await numbering(0), await numbering(0.2)]);
}

async function fill(client: Client, contacts: string[], from: number, to: number): Promise<void> {
  while (contacts.length < to / INVOICES_PER_CONTACT) {
    contacts.push(await newContact(client, contacts.length));
  }
  let index = from;
  const worker = async (): Promise<void> => {
    while (index < to) {
      const turn = index++;
      const { id } = await createInvoice(client, contacts[turn % contacts.length] ?? "", 2);
      // The measured contact's are sent, so that its list by status has a page to show; of the
      // others' one in ten, so that every client is in the reports.
      const round = Math.floor(turn / contacts.length);
      const isSent = turn % contacts.length === 0 || round % 10 === 0;
      if (isSent) await post(client, `/invoices/${id}/send`, {});
      if (turn % 100 === 0) progress(`  ${turn} of ${to}`);
    }
  };
  await Promise.all(Array.from({ length: FILLED_AT_ONCE }, worker));
}

function operationsOf(contactId: string): Record<string, () => Call> {
  const get = (path: string) => (): Call => ({ method: "GET", path });
  return {
    "create, 10 lines": () => ({ method: "POST", path: "/invoices", body: invoice(contactId, 10) }),
    "list of 50, status and contact": get(`/invoices?status=sent&contactId=${contactId}&limit=50`),
    "revenue, a year": get("/reports/revenue?from=2026-01&to=2026-12"),
    "tax, a year": get("/reports/tax?from=2026-01&to=2026-12"),
    "open items": get("/reports/open-items?asOf=2026-06-30"),
    "revenue of 50 clients, a year": get(
      "/reports/revenue-by?by=clients&from=2026-01&to=2026-12&limit=50",
    ),
    balance: get(`/crm/contacts/${contactId}/balance`),
    "statement, a month": get(`/crm/contacts/${contactId}/statement?from=2026-03-01&to=2026-03-31`),
  };
}

async function balances(server: MeasuredServer, client: Client): Promise<Row[]> {
  const contactId = await newContact(client, -1);
  const rows: Row[] = [];
  let paid = 0;
  for (const count of PAID) {
    for (; paid < count; paid++) {
      const { id } = await createInvoice(client, contactId, 1);
      await post(client, `/invoices/${id}/send`, {});
      await post(client, `/invoices/${id}/pay`, { paymentMethod: "card" });
    }
    await fold(server);
    const call: Call = { method: "GET", path: `/crm/contacts/${contactId}/balance` };
    rows.push({
      "paid invoices": count,
      "documents read": await documentsRead(server, client, call),
      "median, ms": median(await latencies(SAMPLES, () => client.call(call))),
    });
  }
  return rows;
}

/** @throws when the books do not add up */
async function checkBooks(server: MeasuredServer): Promise<number> {
  const admin = await adminClient(server);
  const check = makeFunctionReference<"action", { organizationId: string }, { found: number }>(
    "integrityJobs:check",
  );
  const startedAt = performance.now();
  const { found } = await admin.action(check, { organizationId: await demoOrganization(server) });
  if (found > 0) throw new Error(`The books differ in ${found} places.`);
  return (performance.now() - startedAt) / 1000;
}

async function demoOrganization(server: MeasuredServer): Promise<string> {
  const demo = JSON.parse(await readFile(path.join(server.data, "demo.json"), "utf8")) as {
    organizationId: string;
  };
  return demo.organizationId;
}

/** @throws unless the numbers are consecutive */
async function numbering(conflicts: number): Promise<Row> {
  const server = await startFreehold({ flags: ["--inject-conflicts", String(conflicts)] });
  const client = new Client(`${server.url}/api/v1`, await demoKey(server));
  const contactId = await newContact(client, 0);
  const startedAt = performance.now();
  const made = await Promise.all(
    Array.from({ length: AT_ONCE }, () => createInvoice(client, contactId, 10)),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  const numbers = made.map(({ name }) => Number(name.slice(-3))).sort((a, b) => a - b);
  if (numbers.some((number, index) => number !== index + 1)) {
    throw new Error(`Not consecutive: ${numbers.join(" ")}`);
  }
  client.close();
  await server.stop();
  await removeData(server);
  return {
    "injected conflicts": conflicts,
    "consecutive numbers": numbers.length,
    "creations per second": AT_ONCE / seconds,
  };
}

type Made = { id: string; name: string };

export async function createInvoice(
  client: Client,
  contactId: string,
  lines: number,
): Promise<Made> {
  return await post(client, "/invoices", invoice(contactId, lines));
}

async function post(client: Client, path: string, body: unknown): Promise<Made> {
  const answer = await client.json({ method: "POST", path, body });
  return answer.data as Made;
}

export async function newContact(client: Client, index: number): Promise<string> {
  const body = { firstName: `Client${index}`, email: `client${index}@bench.example` };
  const answer = await client.json({ method: "POST", path: "/crm/contacts", body });
  return answer.contactId as string;
}

/** Issue dates go over a year, as an organization's do. */
function invoice(contactId: string, lines: number): Record<string, unknown> {
  const issueDate = Date.UTC(2026, Math.floor(Math.random() * 12), 15);
  return {
    type: "b2c_single",
    issueDate: lines === 10 ? Date.UTC(2026, 0, 15) : issueDate,
    paymentTerms: "net30",
    currency: "EUR",
    lineItems: Array.from({ length: lines }, (_, index) => ({
      description: `Line ${index + 1}`,
      quantity: 1.5,
      unitPriceInCents: 9900,
      taxRatePercent: index % 2 === 0 ? 19 : 7,
    })),
    billTo: { contactId },
  };
}

let asked = 0;

/** As the server logs them: the sum over a request's transactions. */
export async function documentsRead(
  server: MeasuredServer,
  client: Client,
  call: Call,
  onAnswer?: () => void,
): Promise<number> {
  const requestId = `bench-invoicing-${asked++}`;
  await client.call({ ...call, headers: { "x-request-id": requestId } });
  onAnswer?.();
  for (;;) {
    const line = (await server.lines()).findLast(
      (text) => text.includes(requestId) && text.includes("documentsRead"),
    );
    if (line !== undefined) return (JSON.parse(line) as { documentsRead: number }).documentsRead;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Folds what is pending, as the minutely job does: figures are for at most eight rows pending. */
async function fold(server: MeasuredServer): Promise<void> {
  const admin = await adminClient(server);
  const pendingCounts = makeFunctionReference<"query", Record<string, never>, number>(
    "maintenance:pendingCounts",
  );
  const foldCounts = makeFunctionReference<"mutation", Record<string, never>, unknown>(
    "maintenance:foldCounts",
  );
  while ((await admin.query(pendingCounts, {})) > MAX_PENDING) await admin.mutation(foldCounts, {});
}
