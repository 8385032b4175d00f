import { afterAll, beforeAll, expect, test } from "vitest";
import { type Request, requester } from "../helpers/answer";
import { eventually, startServer, type TestServer } from "../helpers/server";
import { isSignedBy, Receiver, verify } from "./receiver";

/** Deliveries over real HTTP, from a real server to real receivers, verified by the official package. */
let server: TestServer;
let receiver: Receiver;
let request: Request;

beforeAll(async () => {
  receiver = await Receiver.listen();
  server = await startServer({
    env: { WEBHOOK_ALLOW_PRIVATE: "true", RATE_LIMIT_FACTOR: "1000" },
  });
  const { apiKey } = (await server.readJson("demo.json")) as { apiKey: string };
  request = requester((path, init) => fetch(server.siteUrl + path, init), apiKey);
});

afterAll(async () => {
  await server.remove();
  await receiver.close();
});

type Hook = { id: string; secret: string; path: string };
let paths = 0;

async function hook(events: string[], more: Record<string, unknown> = {}): Promise<Hook> {
  const path = `/${(paths += 1)}`;
  const body = { url: receiver.url + path, events, ...more };
  const answer = await request("POST", "/webhooks", { body });
  expect(answer.status).toBe(201);
  const { id, secret } = answer.body.data as unknown as Hook;
  return { id, secret, path };
}

async function contact(fields: Record<string, unknown> = {}): Promise<string> {
  const body = { firstName: "Ada", ...fields };
  return (await request("POST", "/crm/contacts", { body })).body.contactId;
}

type Delivery = {
  id: string;
  eventId: string;
  status: string;
  attempts: { status?: number; error?: string }[];
};

async function deliveries(id: string, query = ""): Promise<Delivery[]> {
  const answer = await request("GET", `/webhooks/${id}/deliveries${query}`);
  return answer.body.data as unknown as Delivery[];
}

async function settled(id: string, status = "succeeded"): Promise<Delivery> {
  const [first] = await eventually(
    () => deliveries(id),
    (rows) => rows[0]?.status === status,
  );
  if (!first) throw new Error("No delivery");
  return first;
}

test("an event is delivered, signed, in the documented body", async () => {
  const { id, secret, path } = await hook(["contact.created"]);
  const body = { firstName: "Grace", email: "grace@x.test" };
  const made = await request("POST", "/crm/contacts", { body });
  const delivery = await settled(id);
  expect(delivery).toMatchObject({ eventType: "contact.created", error: null });
  expect(delivery.attempts).toMatchObject([{ status: 204 }]);
  const [received] = receiver.at(path);
  if (!received) throw new Error("Nothing received");
  verify(secret, received);
  expect(received.headers["webhook-id"]).toBe(delivery.eventId);
  expect(received.message).toMatchObject({
    id: delivery.eventId,
    type: "contact.created",
    organizationId: expect.any(String) as string,
    traceId: made.headers.get("X-Request-Id"),
    data: { id: made.body.contactId, firstName: "Grace", version: 1 },
  });
  await request("PATCH", `/crm/contacts/${made.body.contactId}`, { body: { notes: "x" } });
  expect(receiver.at(path)).toHaveLength(1);
});

test("a change carries what was before it", async () => {
  const { path } = await hook(["contact.updated"]);
  const id = await contact();
  await request("PATCH", `/crm/contacts/${id}`, { body: { notes: "new" } });
  const [received] = await eventually(
    () => receiver.at(path),
    (all) => all.length > 0,
  );
  expect(received?.message).toMatchObject({ data: { notes: "new" }, previous: { notes: null } });
});

test("what fails is tried again, under the same id, until it is taken", async () => {
  const { id, secret, path } = await hook(["contact.created"]);
  receiver.on(path, (_, response) => {
    response.writeHead(receiver.at(path).length === 1 ? 500 : 200).end("x".repeat(100_000));
  });
  await contact();
  const delivery = await settled(id);
  expect(delivery.attempts).toMatchObject([{ status: 500, error: "HTTP 500" }, { status: 200 }]);
  const [first, second] = receiver.at(path);
  if (!first || !second) throw new Error("Not tried again");
  expect(second.headers["webhook-id"]).toBe(first.headers["webhook-id"]);
  expect(second.at - first.at).toBeGreaterThan(1500);
  verify(secret, second);
});

test("an endpoint that hangs holds nobody else up", async () => {
  const slow = await hook(["contact.created"]);
  const quick = await hook(["contact.created"]);
  receiver.on(slow.path, () => undefined);
  const began = Date.now();
  for (let i = 0; i < 10; i++) await contact();
  await eventually(
    () => receiver.at(quick.path),
    (all) => all.length === 10,
  );
  expect(Date.now() - began).toBeLessThan(9000);
  await request("DELETE", `/webhooks/${slow.id}`);
});

test("410 switches the endpoint off at once; a redirect is a failure", async () => {
  const gone = await hook(["contact.created"]);
  const moved = await hook(["contact.created"]);
  receiver.on(gone.path, (_, response) => response.writeHead(410).end());
  receiver.on(moved.path, (_, response) =>
    response.writeHead(302, { Location: `${receiver.url}/elsewhere` }).end(),
  );
  await contact();
  expect(await settled(gone.id, "failed")).toMatchObject({
    error: { code: "WEBHOOK_DELIVERY_FAILED", message: "HTTP 410" },
  });
  const { body } = await request("GET", `/webhooks/${gone.id}`);
  expect(body.data).toMatchObject({
    status: "disabled",
    disabledReason: "The receiver answered 410 Gone.",
  });
  const [redirected] = await eventually(
    () => deliveries(moved.id),
    (rows) => rows[0]?.attempts.length === 1,
  );
  expect(redirected?.attempts[0]?.error).toMatch(/redirects are not followed/);
  expect(receiver.at("/elsewhere")).toEqual([]);
  await request("DELETE", `/webhooks/${moved.id}`);
});

test("an ordered endpoint gets events one after another, in the order they happened", async () => {
  const { path } = await hook(["contact.created"], { ordered: true });
  receiver.on(path, (_, response) => {
    const isFirst = receiver.at(path).length === 1;
    setTimeout(() => response.writeHead(isFirst ? 503 : 204).end(), 20);
  });
  for (let i = 0; i < 5; i++) await contact({ firstName: `N${i}` });
  const all = await eventually(
    () => receiver.at(path),
    (found) => found.length === 6,
  );
  const names = all.map(({ message }) => message.data["firstName"]);
  expect(names).toEqual(["N0", "N0", "N1", "N2", "N3", "N4"]);
});

test("after a rotation both secrets sign while they overlap, then the new one alone", async () => {
  const { id, secret, path } = await hook(["contact.created"]);
  const rotate = async (overlapSeconds: number): Promise<string> => {
    const answer = await request("POST", `/webhooks/${id}/rotate-secret`, {
      body: { overlapSeconds },
    });
    return (answer.body.data as unknown as Hook).secret;
  };
  const second = await rotate(60);
  await request("POST", `/webhooks/${id}/test`);
  await settled(id);
  const third = await rotate(0);
  await request("POST", `/webhooks/${id}/test`);
  await eventually(
    () => receiver.at(path),
    (all) => all.length === 2,
  );
  const signers = receiver
    .at(path)
    .map((received) => [secret, second, third].map((one) => isSignedBy(one, received)));
  expect(signers).toEqual([
    [true, true, false],
    [false, false, true],
  ]);
  expect(receiver.at(path)[0]?.message).toMatchObject({
    type: "webhook.test",
    data: { webhookId: id },
  });
});

test("a delivery is sent again by hand, and a span of time is replayed, under the same ids", async () => {
  const since = Date.now();
  await contact();
  const { id, path } = await hook(["contact.created"]);
  const made = await contact();
  const delivery = await settled(id);
  const again = await request("POST", `/webhooks/deliveries/${delivery.id}/resend`);
  expect([again.status, again.body.data]).toMatchObject([201, { resendOf: delivery.id }]);
  await eventually(
    () => receiver.at(path),
    (all) => all.length === 2,
  );
  expect((await request("POST", `/webhooks/${id}/replay`, { body: { since } })).status).toBe(200);
  const all = await eventually(
    () => receiver.at(path),
    (found) => found.length >= 4,
  );
  const ids = all.map(({ message }) => message.id);
  expect(ids.filter((one) => one === delivery.eventId)).toHaveLength(3);
  expect(all.filter(({ message }) => message.data["id"] === made)).toHaveLength(3);
});

test("200 contacts in one request are delivered by one hand-over, each once", async () => {
  const { path } = await hook(["contact.created"]);
  const items = Array.from({ length: 200 }, (_, i) => ({ firstName: `B${i}` }));
  await request("POST", "/crm/contacts/bulk", { body: { items } });
  const all = await eventually(
    () => receiver.at(path),
    (found) => found.length >= 200,
  );
  expect(new Set(all.map(({ message }) => message.data["firstName"])).size).toBe(200);
});
