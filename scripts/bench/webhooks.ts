/**
 * Deliveries of webhooks from a real server to receivers on loopback, of whose answers some are
 * failures: how fast they arrive, first where all endpoints answer, then the same where one never
 * does, so that the ratio says whether an endpoint waits for another. Then what sending an invoice
 * costs, whose mail and deliveries wait behind it.
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { demoKey } from "./contacts";
import { createInvoice, documentsRead, newContact } from "./invoicing";
import { Client, median } from "./load";
import { progress, type Row, step, table } from "./report";
import { type MeasuredServer, removeData, startFreehold } from "./server";

/** The most that an organization has. */
const ENDPOINTS = 100;
const BULK = 200;
/** Events to each endpoint before anything is measured. */
const WARM_UP = 5;
/** Of the first attempts at the healthy endpoints: one in so many answers 500. */
const FAILS_ONE_IN = 20;
const HANGING = "/0";
const SENDS = 50;
const SEND_BUDGET = 20;
const GIVE_UP_AFTER_MS = 10 * 60 * 1000;

/** `deliveries` in all of each run, shared evenly by the endpoints of one organization. */
export async function benchWebhooks(deliveries: number): Promise<void> {
  const receiver = await Receiver.listen();
  const env = { WEBHOOK_ALLOW_PRIVATE: "true" };
  const server = await startFreehold({ env });
  const client = new Client(`${server.url}/api/v1`, await demoKey(server));
  try {
    await addEndpoints(client, receiver);
    const events = Math.ceil(deliveries / ENDPOINTS);
    await deliver(client, receiver, { events: WARM_UP, hanging: null });
    const without = await deliver(client, receiver, { events, hanging: null });
    const withHanging = await deliver(client, receiver, { events, hanging: HANGING });
    table(`${events} events to each of ${ENDPOINTS} endpoints`, [
      { "one hangs": "no", ...without },
      { "one hangs": "yes", ...withHanging },
    ]);
    const ratio = withHanging[MEDIAN] / without[MEDIAN];
    table("A healthy endpoint beside one that hangs ÷ without it", [{ "median, ratio": ratio }]);
    await sendInvoices(server, client);
  } finally {
    client.close();
    await server.stop();
    await receiver.close();
    await removeData(server);
  }
}

async function addEndpoints(client: Client, receiver: Receiver): Promise<void> {
  for (let index = 0; index < ENDPOINTS; index++) {
    const body = { url: `${receiver.url}/${index}`, events: ["contact.created"] };
    await client.call({ method: "POST", path: "/webhooks", body });
  }
}

const MEDIAN = "an endpoint has all, median, s";
type Delivered = Row & { [MEDIAN]: number };
/** How many events each endpoint gets, and which one does not answer. */
type Run = { events: number; hanging: string | null };

/** One run, of the endpoints that answer in it. */
async function deliver(client: Client, receiver: Receiver, run: Run): Promise<Delivered> {
  const { events, hanging } = run;
  const name = hanging === null ? "none hangs" : "one hangs";
  step(`webhooks: ${events} events to ${ENDPOINTS} endpoints, ${name}`);
  receiver.begin(run);
  const startedAt = performance.now();
  for (let from = 0; from < events; from += BULK) {
    const count = Math.min(BULK, events - from);
    const items = Array.from({ length: count }, (_, i) => ({ firstName: `Event${from + i}` }));
    await client.call({ method: "POST", path: "/crm/contacts/bulk", body: { items } });
  }
  await receiver.allFinish();
  const healthy = receiver.healthy();
  const seconds = (at: number): number => (at - startedAt) / 1000;
  const finished = healthy.map(({ finishedAt }) => seconds(finishedAt));
  const arrived = healthy.reduce((sum, { taken }) => sum + taken.size, 0);
  const attempts = healthy.reduce((sum, endpoint) => sum + endpoint.attempts, 0);
  return {
    "deliveries taken": arrived,
    "answered 500 first": attempts - arrived,
    "first, s": seconds(Math.min(...healthy.map(({ startedAt: at }) => at))),
    [MEDIAN]: median(finished),
    "worst, s": Math.max(...finished),
    "per second": arrived / Math.max(...finished),
    "attempts at the hanging one": receiver.attemptsAtHanging(),
  };
}

/** @throws when sending reads more than its budget */
async function sendInvoices(server: MeasuredServer, client: Client): Promise<void> {
  step(`webhooks: sending ${SENDS} invoices`);
  const contactId = await newContact(client, 0);
  const reads: number[] = [];
  const times: number[] = [];
  for (let turn = 0; turn < SENDS; turn++) {
    const { id } = await createInvoice(client, contactId, 2);
    const call = { method: "POST", path: `/invoices/${id}/send`, body: {} };
    const before = performance.now();
    const read = documentsRead(server, client, call, () => {
      times.push(performance.now() - before);
    });
    reads.push(await read);
  }
  const most = Math.max(...reads);
  const row: Row = { "documents read, most": most, "median, ms": median(times) };
  table(`POST /invoices/:id/send (budget: ${SEND_BUDGET} documents)`, [row]);
  if (most > SEND_BUDGET) throw new Error(`Sending read ${most} documents.`);
}

type Endpoint = {
  /** Of the messages that came at least once. */
  seen: Set<string>;
  taken: Set<string>;
  attempts: number;
  startedAt: number;
  finishedAt: number;
};

/** A server on loopback whose paths are the endpoints; all but one answer, most of the time well. */
class Receiver {
  private readonly endpoints = new Map<string, Endpoint>();
  private run: Run = { events: 0, hanging: null };
  private messages = 0;

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async listen(): Promise<Receiver> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const receiver = new Receiver(server, `http://127.0.0.1:${port}`);
    server.on("request", (request, response) => {
      request.resume();
      request.on("end", () => {
        const status = receiver.take(request.url ?? "", String(request.headers["webhook-id"]));
        if (status !== null) response.writeHead(status).end();
      });
    });
    return receiver;
  }

  /** Forgets what came before. */
  begin(run: Run): void {
    this.run = run;
    this.messages = 0;
    for (let index = 0; index < ENDPOINTS; index++) {
      const none = { attempts: 0, startedAt: 0, finishedAt: 0 };
      this.endpoints.set(`/${index}`, { seen: new Set(), taken: new Set(), ...none });
    }
  }

  healthy(): Endpoint[] {
    return [...this.endpoints].flatMap(([path, endpoint]) =>
      path === this.run.hanging ? [] : [endpoint],
    );
  }

  attemptsAtHanging(): number {
    return this.endpoints.get(this.run.hanging ?? "")?.attempts ?? 0;
  }

  async allFinish(): Promise<void> {
    const until = performance.now() + GIVE_UP_AFTER_MS;
    const healthy = this.healthy();
    for (;;) {
      const open = healthy.filter(({ finishedAt }) => finishedAt === 0);
      if (open.length === 0) return;
      if (performance.now() > until) throw new Error(`${open.length} endpoints did not finish.`);
      progress(`  ${healthy.length - open.length} of ${healthy.length} endpoints have all`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** The status to answer, or null for none ever. */
  private take(path: string, messageId: string): number | null {
    const endpoint = this.endpoints.get(path);
    if (!endpoint) return 404;
    const now = performance.now();
    endpoint.attempts += 1;
    endpoint.startedAt ||= now;
    if (path === this.run.hanging) return null;
    if (!endpoint.seen.has(messageId)) {
      endpoint.seen.add(messageId);
      this.messages += 1;
      if (this.messages % FAILS_ONE_IN === 0) return 500;
    }
    endpoint.taken.add(messageId);
    if (endpoint.taken.size === this.run.events) endpoint.finishedAt ||= now;
    return 204;
  }
}
