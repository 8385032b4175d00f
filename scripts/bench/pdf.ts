/** How long a PDF takes that is made anew, of one page and of many, once its fonts are loaded. */
import { demoKey } from "./contacts";
import { createInvoice, newContact } from "./invoicing";
import { Client, latencies, median } from "./load";
import { type Row, step, table } from "./report";
import { removeData, startFreehold } from "./server";

const DOCUMENTS = [
  { lines: 10, samples: 30 },
  { lines: 500, samples: 8 },
] as const;
const WARM_UP = 3;

export async function benchPdf(): Promise<void> {
  const server = await startFreehold();
  const client = new Client(`${server.url}/api/v1`, await demoKey(server));
  try {
    const contactId = await newContact(client, 0);
    const rows: Row[] = [];
    for (const { lines, samples } of DOCUMENTS) {
      step(`PDF: ${lines} lines`);
      rows.push(await measure(client, contactId, lines, samples));
    }
    table("PDFs of invoices, one at a time, each made anew", rows);
  } finally {
    client.close();
    await server.stop();
    await removeData(server);
  }
}

/** A file is kept once it is made, so that each is of an invoice of its own. */
async function measure(
  client: Client,
  contactId: string,
  lines: number,
  samples: number,
): Promise<Row> {
  const invoices: string[] = [];
  for (let index = 0; index < WARM_UP + samples; index++) {
    invoices.push((await createInvoice(client, contactId, lines)).id);
  }
  const get = async (index: number): Promise<unknown> =>
    await client.call({ method: "GET", path: `/invoices/${invoices[index] ?? ""}/pdf` });
  await latencies(WARM_UP, get);
  const made = await latencies(samples, (turn) => get(WARM_UP + turn));
  const kept = await latencies(samples, (turn) => get(WARM_UP + turn));
  return { lines, "made, median ms": median(made), "kept, median ms": median(kept) };
}
