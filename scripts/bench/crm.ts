/** Figures of the CRM: import, bulk and merge, against a running deployment. */
import { readFile } from "node:fs/promises";

export type Target = {
  siteUrl: string;
  apiKey: string;
  /** Of the server's process, whose memory is measured. */
  pid: number;
};

export type ImportFigures = {
  rows: number;
  seconds: number;
  rowsPerSecond: number;
  peakMiB: number;
};
export type BulkFigures = { items: number; milliseconds: number };
export type MergeFigures = { links: number; answeredInMs: number; movedInMs: number };

const POLL_MS = 100;
const MIB = 1024;

/** Imports of so many new contacts each, one after the other, and the most memory meanwhile. */
export async function importFigures(
  target: Target,
  sizes: readonly number[] = [1000, 10_000, 100_000],
): Promise<ImportFigures[]> {
  const figures: ImportFigures[] = [];
  for (const rows of sizes) {
    const body = csvOf(rows);
    const memory = watchMemory(target.pid);
    const start = performance.now();
    const { importId } = await call<{ importId: string }>(target, "POST", "/crm/contacts/import", {
      body,
      type: "text/csv",
    });
    await until(async () => {
      const path = `/crm/contacts/imports/${importId}`;
      const report = await call<{ status: string; created: number }>(target, "GET", path);
      if (report.status === "completed" && report.created !== rows) {
        throw new Error(`${report.created} of ${rows} rows were created`);
      }
      return report.status === "completed";
    });
    const seconds = (performance.now() - start) / 1000;
    const peakMiB = await memory.stop();
    figures.push({ rows, seconds, rowsPerSecond: rows / seconds, peakMiB });
  }
  return figures;
}

/** Bulk requests of 200 new contacts: the median of some of them. */
export async function bulkFigures(target: Target, requests = 20): Promise<BulkFigures> {
  const times: number[] = [];
  for (let request = 0; request < requests; request++) {
    const items = Array.from({ length: 200 }, (_, i) => personOf(`bulk${request}x${i}`));
    const start = performance.now();
    await call(target, "POST", "/crm/contacts/bulk", { body: JSON.stringify({ items }) });
    times.push(performance.now() - start);
  }
  const [median = 0] = times.sort((a, b) => a - b).slice(Math.floor(requests / 2));
  return { items: 200, milliseconds: median };
}

/** A merge of a contact that so many projects refer to: until it answers, and until all are moved. */
export async function mergeFigures(target: Target, links = 1000): Promise<MergeFigures> {
  const [keeper, source] = [await newContact(target, "keeper"), await newContact(target, "source")];
  for (let made = 0; made < links; made += 20) {
    await Promise.all(
      Array.from({ length: Math.min(20, links - made) }, (_, i) =>
        newProject(target, source, made + i),
      ),
    );
  }
  const start = performance.now();
  const body = JSON.stringify({ sourceId: source });
  const path = `/crm/contacts/${keeper}/merge`;
  const { merge } = await call<{ merge: { id: string } }>(target, "POST", path, { body });
  const answeredInMs = performance.now() - start;
  await until(async () => {
    const { status } = await call<{ status: string }>(
      target,
      "GET",
      `/crm/contacts/merges/${merge.id}`,
    );
    return status === "done";
  });
  return { links, answeredInMs, movedInMs: performance.now() - start };
}

function csvOf(rows: number): string {
  const mark = Math.random().toString(36).slice(2, 8);
  const lines = Array.from({ length: rows }, (_, i) => {
    const { firstName, lastName, email, company } = personOf(`${mark}${i}`);
    return `${firstName},${lastName},${email},${company},Berlin`;
  });
  return ["firstName,lastName,email,company,city", ...lines, ""].join("\r\n");
}

function personOf(mark: string): Record<"firstName" | "lastName" | "email" | "company", string> {
  return { firstName: "Ada", lastName: `L ${mark}`, email: `${mark}@bench.test`, company: "Acme" };
}

async function newContact(target: Target, mark: string): Promise<string> {
  const body = JSON.stringify(personOf(`${mark}${Math.random().toString(36).slice(2)}`));
  return (await call<{ contactId: string }>(target, "POST", "/crm/contacts", { body })).contactId;
}

async function newProject(target: Target, contactId: string, number: number): Promise<void> {
  const project = { subtype: "other", name: `Project ${number}`, contactIds: [contactId] };
  await call(target, "POST", "/projects", { body: JSON.stringify(project) });
}

/** The answer's `data`, or the body itself where it is literal. */
async function call<Data>(
  { siteUrl, apiKey }: Target,
  method: string,
  path: string,
  { body, type = "application/json" }: { body?: string; type?: string } = {},
): Promise<Data> {
  const answer = await fetch(`${siteUrl}/api/v1${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${apiKey}`,
      ...(body === undefined ? {} : { "Content-Type": type }),
    },
    ...(body === undefined ? {} : { body }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  const parsed = JSON.parse(text) as { data?: Data };
  return parsed.data ?? (parsed as Data);
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
}

/** The most memory of its own that a process has while it is watched, in MiB; the mapped database is not counted. */
function watchMemory(pid: number): { stop(): Promise<number> } {
  let peak = 0;
  const look = async (): Promise<void> => {
    const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
    const [, kilobytes = "0"] = /^RssAnon:\s+(\d+)/m.exec(status) ?? [];
    peak = Math.max(peak, Number(kilobytes) / MIB);
  };
  const timer = setInterval(() => void look(), POLL_MS);
  return {
    stop: async () => {
      clearInterval(timer);
      await look();
      return Math.round(peak);
    },
  };
}
