/**
 * A bare Fastify + lmdb server that does the minimum for the same work, durably: it checks a key,
 * and writes a metering row, the contact with its list and search entries, an audit row and a change
 * row. It knows no tenants, roles, idempotency, versions, conflicts or schema; it is the yardstick,
 * not an example.
 */
import { createHash, randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import Fastify, { type FastifyReply, type FastifyRequest } from "fastify";
import { open } from "lmdb";

type Contact = {
  id: string;
  firstName: string;
  lastName: string;
  email: string;
  subtype: string;
  notes?: string;
  createdAt: number;
  updatedAt: number;
  version: number;
};

const { values } = parseArgs({ options: { data: { type: "string" }, key: { type: "string" } } });
const store = open({ path: values.data ?? "baseline", overlappingSync: false, maxDbs: 12 });
const contacts = store.openDB<Contact, string>({ name: "contacts" });
const byCreated = store.openDB<string, [number, string]>({ name: "byCreated" });
const byEmail = store.openDB<string, string>({ name: "byEmail" });
const byToken = store.openDB<string, [string, string]>({ name: "byToken" });
const keys = store.openDB<{ name: string }, string>({ name: "keys" });
const meters = store.openDB<{ count: number; at: number }, string>({ name: "meters" });
const audit = store.openDB<unknown, [number, string]>({ name: "audit" });
const changes = store.openDB<unknown, [number, string]>({ name: "changes" });

await keys.put(hash(values.key ?? ""), { name: "bench" });

const app = Fastify();

app.addHook("onRequest", async (request: FastifyRequest, reply: FastifyReply) => {
  const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
  if (!keys.get(hash(token))) await reply.code(401).send({ error: "unauthorized" });
});

const body = {
  type: "object",
  required: ["firstName", "lastName", "email", "subtype"],
  additionalProperties: false,
  properties: {
    firstName: { type: "string", maxLength: 200 },
    lastName: { type: "string", maxLength: 200 },
    email: { type: "string", maxLength: 254 },
    subtype: { type: "string", enum: ["lead", "prospect", "customer"] },
  },
} as const;

app.post<{ Body: Pick<Contact, "firstName" | "lastName" | "email" | "subtype"> }>(
  "/contacts",
  { schema: { body } },
  async (request, reply) => {
    const id = randomUUID();
    const at = Date.now();
    const contact: Contact = { id, ...request.body, createdAt: at, updatedAt: at, version: 1 };
    const isNew = await store.transaction(() => {
      if (byEmail.get(contact.email) !== undefined) return false;
      meter(at);
      void contacts.put(id, contact);
      void byCreated.put([at, id], id);
      void byEmail.put(contact.email, id);
      for (const token of tokensOf(contact)) void byToken.put([token, id], id);
      record("contact.created", contact, at);
      return true;
    });
    return reply.code(isNew ? 201 : 409).send({ contactId: id });
  },
);

app.patch<{ Params: { id: string }; Body: { notes: string } }>(
  "/contacts/:id",
  async (request, reply) => {
    const at = Date.now();
    const changed = await store.transaction(() => {
      const contact = contacts.get(request.params.id);
      if (!contact) return null;
      const next = { ...contact, ...request.body, updatedAt: at, version: contact.version + 1 };
      meter(at);
      void contacts.put(next.id, next);
      record("contact.updated", next, at);
      return next;
    });
    return changed ?? (await reply.code(404).send({ error: "not found" }));
  },
);

app.get<{ Params: { id: string } }>("/contacts/:id", async (request, reply) => {
  await store.transaction(() => {
    meter(Date.now());
  });
  return contacts.get(request.params.id) ?? (await reply.code(404).send({ error: "not found" }));
});

app.get<{ Querystring: { search?: string } }>("/contacts", async (request) => {
  await store.transaction(() => {
    meter(Date.now());
  });
  const { search } = request.query;
  const ids =
    search === undefined
      ? byCreated.getRange({ reverse: true, limit: 50 }).map(({ value }) => value)
      : byToken
          .getRange({ start: [search, ""], end: [`${search}\uffff`, ""], limit: 50 })
          .map(({ value }) => value);
  const page = [...ids].map((id) => contacts.get(id));
  return { contacts: page, total: search === undefined ? byCreated.getCount() : page.length };
});

const address = await app.listen({ port: 0, host: "127.0.0.1" });
console.log(`Baseline is ready: ${address}`);
process.on("SIGTERM", () => {
  void app.close().then(() => store.close());
});

function hash(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

function meter(at: number): void {
  const row = meters.get("bench");
  void meters.put("bench", { count: (row?.count ?? 0) + 1, at });
}

function record(action: string, contact: Contact, at: number): void {
  const row = { action, at, actor: "bench", id: contact.id, after: contact };
  void audit.put([at, randomUUID()], row);
  void changes.put([at, randomUUID()], row);
}

function tokensOf(contact: Contact): Set<string> {
  const text = `${contact.firstName} ${contact.lastName} ${contact.email}`.toLowerCase();
  return new Set(text.split(/[^\p{L}\p{N}]+/u).filter(Boolean));
}
