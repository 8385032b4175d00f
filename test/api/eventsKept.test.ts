import { afterEach, expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import { dataIn } from "../../convex/ontology/eventData";
import { newBackend } from "../helpers/backend";

const DAY = 24 * 60 * 60 * 1000;

afterEach(() => {
  vi.useRealTimers();
});

test("an event is kept for ninety days, and no longer", async () => {
  const start = Date.now();
  vi.useFakeTimers({ now: start, toFake: ["Date"] });
  const { backend, request } = await newBackend();
  await request("POST", "/crm/contacts", { body: { lastName: "Old" } });
  vi.setSystemTime(start + DAY);
  await request("POST", "/crm/contacts", { body: { lastName: "Young" } });
  const names = async (): Promise<unknown[]> => {
    const events = await backend.run(async ({ db }) => await db.query("events").collect());
    return events
      .filter(({ type }) => type === "contact.created")
      .map((event) => dataIn(event).name);
  };
  vi.setSystemTime(start + 90 * DAY - 1000);
  await backend.mutation(internal.maintenance.cleanUp, {});
  expect(await names()).toEqual(["Old", "Young"]);
  vi.setSystemTime(start + 90 * DAY + 1000);
  await backend.mutation(internal.maintenance.cleanUp, {});
  expect(await names()).toEqual(["Young"]);
});
