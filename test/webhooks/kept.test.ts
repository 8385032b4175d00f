import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import type { Doc, Id } from "../../convex/_generated/dataModel";
import { type Fixture, newBackend } from "../helpers/backend";
import { invoice } from "../invoicing/books";

/** Which events make a delivery, and how long deliveries and incoming events are kept. */
const DAY = 24 * 60 * 60 * 1000;
let home: Fixture;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
  vi.setSystemTime(Date.UTC(2026, 10, 20, 12));
  home = await newBackend();
});
afterEach(() => {
  vi.useRealTimers();
});

async function post(path: string, body: object): Promise<string> {
  const answer = await home.request("POST", path, { body });
  expect(answer.status, answer.text).toBe(201);
  return answer.body.data.id;
}

async function webhook(more: object = {}): Promise<Id<"webhooks">> {
  const url = "https://hooks.example.com/";
  return (await post("/webhooks", { url, events: ["*"], ...more })) as Id<"webhooks">;
}

async function rows<Table extends "webhookDeliveries" | "incomingEvents">(
  table: Table,
): Promise<Doc<Table>[]> {
  return await home.backend.run(async ({ db }) => await db.query(table).collect());
}

test("a webhook of a project gets what happens to it and to what belongs to it, and nothing else", async () => {
  const project = (name: string) => post("/projects", { subtype: "internal", name });
  const [ours, other] = [await project("Ours"), await project("Other")];
  const webhookId = await webhook({ projectId: ours });
  const wanted = [await post("/invoices", invoice({ projectId: ours })), ours];
  await post("/invoices", invoice({ projectId: other }));
  await post("/invoices", invoice());
  for (const id of [ours, other]) {
    const change = { body: { description: "Changed" } };
    expect((await home.request("PATCH", `/projects/${id}`, change)).status).toBe(200);
  }
  const { organizationId } = home;
  await home.backend.mutation(internal.delivery.dispatcher.dispatch, { organizationId });
  const objects = await home.backend.run(async ({ db }) => {
    const deliveries = await db.query("webhookDeliveries").collect();
    expect(deliveries.every((delivery) => delivery.webhookId === webhookId)).toBe(true);
    const ids = deliveries.flatMap(({ eventId }) => (eventId ? [eventId] : []));
    return await Promise.all(ids.map(async (id) => (await db.get("events", id))?.objectId));
  });
  expect(objects).toEqual(wanted);
});

test("deliveries are deleted after 30 days, incoming events after 90, however many there are", async () => {
  const webhookId = await webhook();
  const { organizationId, backend } = home;
  const now = Date.now();
  const delivery = {
    ...{ organizationId, webhookId, eventType: "contact.created", traceId: "t" },
    ...{ status: "succeeded" as const, dueAt: now, attempts: [] },
  };
  const incoming = {
    ...{ provider: "stripe", type: "t", payload: "{}", handler: "x", attempts: 1 },
    status: "applied" as const,
  };
  await backend.run(async ({ db }) => {
    for (let index = 0; index < 501; index++) {
      await db.insert("webhookDeliveries", { ...delivery, createdAt: now - 30 * DAY - 1 });
    }
    await db.insert("webhookDeliveries", { ...delivery, createdAt: now - 30 * DAY });
    for (let index = 0; index < 11; index++) {
      const receivedAt = now - 90 * DAY - 1;
      await db.insert("incomingEvents", { ...incoming, eventId: `old ${index}`, receivedAt });
    }
    await db.insert("incomingEvents", { ...incoming, eventId: "kept", receivedAt: now - 90 * DAY });
  });
  await backend.mutation(internal.delivery.maintenance.cleanUp, {});
  await backend.finishAllScheduledFunctions(() => vi.advanceTimersByTime(0));
  expect((await rows("webhookDeliveries")).map(({ createdAt }) => createdAt)).toEqual([
    now - 30 * DAY,
  ]);
  expect((await rows("incomingEvents")).map(({ eventId }) => eventId)).toEqual(["kept"]);
});

test("a deleted webhook leaves no delivery behind", async () => {
  const webhookId = await webhook();
  await home.request("POST", `/webhooks/${webhookId}/test`);
  expect(await rows("webhookDeliveries")).toHaveLength(1);
  expect((await home.request("DELETE", `/webhooks/${webhookId}`)).status).toBe(204);
  await home.backend.mutation(internal.delivery.maintenance.deleteDeliveries, { webhookId });
  expect(await rows("webhookDeliveries")).toEqual([]);
});
