import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import type { Doc, Id } from "../../convex/_generated/dataModel";
import { type Fixture, newBackend } from "../helpers/backend";
import { invoice } from "../invoicing/books";

/** Payment links and incoming events as jobs: a provider is asked under a lease; an event is applied. */
const NOW = Date.UTC(2026, 10, 20, 12);
let home: Fixture;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: NOW });
  home = await newBackend();
});
afterEach(() => {
  vi.useRealTimers();
});

type Link = Doc<"paymentLinks">;

async function link(fields: Partial<Link>): Promise<Id<"paymentLinks">> {
  const made = await home.request("POST", "/invoices", { body: invoice() });
  const { organizationId } = home;
  return await home.backend.run(
    async ({ db }) =>
      await db.insert("paymentLinks", {
        ...{ organizationId, invoiceId: made.body.data.id as Id<"objects"> },
        ...{ provider: "stripe", amountInCents: 100, currency: "EUR", status: "pending" },
        ...{ createdAt: NOW, ...fields },
      }),
  );
}

const due: Link["job"] = { state: "queued", at: NOW, attempts: 0, lease: 0 };

const row = async (id: Id<"paymentLinks">): Promise<Link | null> =>
  await home.backend.run(({ db }) => db.get("paymentLinks", id));

const claim = async (id: Id<"paymentLinks">) =>
  await home.backend.mutation(internal.payments.links.claim, { id });

async function created(id: Id<"paymentLinks">, lease: number, externalId: string): Promise<void> {
  const outcome = { url: `https://pay.example/${externalId}`, externalId };
  await home.backend.mutation(internal.payments.links.settle, { id, lease, outcome });
}

async function recover(kind: string): Promise<{ interrupted: number; started: number }> {
  return await home.backend.mutation(internal.jobs.recovery.recover, { kind });
}

test("a lease that ran out is given again, and who had it before writes nothing any more", async () => {
  const id = await link({ job: due });
  expect((await claim(id))?.lease).toBe(1);
  expect(await claim(id)).toBeNull();
  expect(await recover("payment link")).toEqual({ interrupted: 0, started: 0 });
  vi.setSystemTime(NOW + 31_000);
  expect(await recover("payment link")).toEqual({ interrupted: 1, started: 0 });
  expect((await claim(id))?.lease).toBe(2);
  await created(id, 1, "late");
  expect((await row(id))?.status).toBe("pending");
  await created(id, 2, "good");
  expect(await row(id)).toMatchObject({ status: "ready", externalId: "good" });
});

test("a link of before is made, and what it said of its attempts is said in one way", async () => {
  const id = await link({ attempts: 3, nextAttemptAt: NOW });
  expect((await claim(id))?.task).toBe("create");
  const outcome = { error: "down", isFinal: false };
  await home.backend.mutation(internal.payments.links.settle, { id, outcome });
  expect(await row(id)).toMatchObject({ job: { state: "queued", attempts: 4, error: "down" } });
  expect(await row(id)).not.toHaveProperty("nextAttemptAt");
});

test("one whose start was lost is started by the sweep; lost again and again, it has failed", async () => {
  const id = await link({ job: due });
  for (let loss = 0; loss < 20 && (await row(id))?.status === "pending"; loss++) {
    vi.setSystemTime(((await row(id))?.job?.at ?? 0) + 61_000);
    expect((await recover("payment link")).started).toBe(1);
  }
  expect(await row(id)).toMatchObject({
    ...{ status: "failed", error: "It was not begun in time." },
    job: { state: "failed", interruptions: 11 },
  });
});

test("an event whose attempts do not come to an end is tried ever more rarely, and then has failed", async () => {
  const id = await home.backend.run(
    async ({ db }) =>
      await db.insert("incomingEvents", {
        ...{ provider: "stripe", eventId: "evt", type: "t", payload: "{}", handler: "none" },
        ...{ receivedAt: NOW, status: "failed", attempts: 1, nextAttemptAt: NOW },
      }),
  );
  const event = async (): Promise<Doc<"incomingEvents"> | null> =>
    await home.backend.run(({ db }) => db.get("incomingEvents", id));
  await home.backend.mutation(internal.kit.incoming.retry, { id });
  expect(await event()).toMatchObject({ status: "failed", job: { state: "queued", attempts: 2 } });
  for (let loss = 0; loss < 20 && (await event())?.job?.state === "queued"; loss++) {
    vi.setSystemTime(((await event())?.job?.at ?? 0) + 61_000);
    await recover("incoming event");
  }
  expect((await event())?.job).toMatchObject({ state: "failed", interruptions: 11 });
  const one = { kind: "incoming event", id };
  await home.backend.mutation(internal.jobs.administration.retry, one);
  expect((await event())?.job).toMatchObject({ state: "queued", attempts: 0 });
});
