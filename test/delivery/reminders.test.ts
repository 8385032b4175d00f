import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import { isWithinHours } from "../../convex/kit/localTime";
import type { Request } from "../helpers/answer";
import { newTenant } from "../helpers/backend";
import { type Books, invoice, openBooks } from "../invoicing/books";

/** Reminders by rule: when, of what, and how often. */
const HOUR = 60 * 60 * 1000;
const DAY = 24 * HOUR;
/** A Tuesday, noon in Berlin. */
const NOON = Date.UTC(2026, 1, 10, 11);

let books: Books;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOON });
  books = await openBooks({ timeZone: "Europe/Berlin" });
});

afterEach(() => {
  vi.useRealTimers();
});

async function remind(settings: Record<string, unknown> = {}): Promise<void> {
  const rules = [
    { days: -3, level: 1 },
    { days: 1, level: 1 },
    { days: 7, level: 2 },
  ];
  const reminders = { enabled: true, channels: ["email"], rules, ...settings };
  expect((await books.patch("/organization", { reminders })).status).toBe(200);
}

/** The hourly round at this time, to its end. */
async function roundAt(time: number): Promise<void> {
  vi.setSystemTime(time);
  const { organizationId, backend } = books;
  for (let rule = 0; rule < 3; rule++) {
    for (let status = 0; status < 3; status++) {
      const step = { organizationId, rule, status, cursor: null };
      await backend.mutation(internal.delivery.reminderJobs.step, step);
    }
  }
}

/** Subjects of the reminders so far, oldest first. */
async function subjects(): Promise<string[]> {
  const { data } = (await books.get("/notifications?channel=email&limit=200")).body;
  const sent = data as unknown as { template: string; subject: string }[];
  return sent
    .filter(({ template }) => template === "reminder")
    .map(({ subject }) => subject)
    .reverse();
}

const dueOn = (due: number): Record<string, unknown> => ({
  issueDate: due - 30 * DAY,
  dueDate: due,
  invoiceNumber: "R-1",
});

test("before and after the due date, each rule reminds once, however often it runs", async () => {
  await remind();
  await books.sent(dueOn(NOON));
  for (let hour = -4 * 24; hour <= 10 * 24; hour += 6) await roundAt(NOON + hour * HOUR);
  // Tuesday due: Saturday's reminder is made up for on Monday, and Tuesday the week after is level 2.
  expect(await subjects()).toEqual([
    "Invoice R-1 is due on February 10, 2026",
    "Reminder: invoice R-1",
    "Second reminder: invoice R-1",
  ]);
});

test("what is paid or cancelled is not reminded of", async () => {
  await remind();
  const paid = await books.sent({ ...dueOn(NOON), invoiceNumber: "R-1" });
  const cancelled = await books.sent({ ...dueOn(NOON), invoiceNumber: "R-2" });
  await books.post(`/invoices/${paid.id}/pay`, { paymentMethod: "card" });
  await books.post(`/invoices/${cancelled.id}/cancel`, {});
  await roundAt(NOON + DAY);
  expect(await subjects()).toEqual([]);
  const byHand = await books.post(`/invoices/${paid.id}/remind`, {});
  expect(byHand.code).toBe("INVALID_STATE");
});

test("nothing goes out at night, at the weekend, or when it is switched off", async () => {
  await remind();
  await books.sent(dueOn(NOON));
  await roundAt(Date.UTC(2026, 1, 11, 21));
  await roundAt(Date.UTC(2026, 1, 12, 7));
  await roundAt(Date.UTC(2026, 1, 14, 11));
  expect(await subjects()).toEqual([]);
  await remind({ enabled: false });
  await roundAt(NOON + DAY);
  expect(await subjects()).toEqual([]);
  await remind();
  await roundAt(NOON + DAY);
  expect(await subjects()).toEqual(["Reminder: invoice R-1"]);
});

test("what fell due while nothing ran is made up for by one reminder", async () => {
  await remind();
  await books.sent(dueOn(NOON));
  await roundAt(NOON - 5 * DAY - HOUR);
  await roundAt(NOON + 7 * DAY);
  expect(await subjects()).toEqual(["Second reminder: invoice R-1"]);
});

test("without an address the reminder is kept as failed, with the reason", async () => {
  await remind();
  await books.sent({ ...dueOn(NOON), billTo: { name: "Ada" } });
  await roundAt(NOON + DAY);
  const { data } = (await books.get("/notifications?channel=email&status=failed")).body;
  expect(data).toMatchObject([{ reason: "There is no e-mail address to send it to." }]);
});

test("a person reminds at the next level, or the one they choose", async () => {
  const { id } = await books.sent(dueOn(NOON - 10 * DAY));
  await books.post(`/invoices/${id}/remind`, {});
  await books.post(`/invoices/${id}/remind`, {});
  await books.post(`/invoices/${id}/remind`, { level: 3, language: "de", message: "Bitte!" });
  expect(await subjects()).toEqual([
    "Reminder: invoice R-1",
    "Second reminder: invoice R-1",
    "Letzte Mahnung: Rechnung R-1",
  ]);
});

async function bill(request: Request, invoiceNumber: string, dueDate: number): Promise<void> {
  const body = invoice({ ...dueOn(dueDate), invoiceNumber });
  const { id } = (await request("POST", "/invoices", { body })).body.data;
  expect((await request("POST", `/invoices/${id}/send`, { body: {} })).status).toBe(200);
}

test("the hourly round reaches every organization that reminds, and chains all of its steps", async () => {
  const { backend } = books;
  // More than a page of organizations, and in the books more than a page of invoices of two statuses.
  await Promise.all(Array.from({ length: 60 }, () => newTenant(backend)));
  const last = await newTenant(backend);
  const rules = [
    { days: 1, level: 1 },
    { days: 7, level: 2 },
  ];
  const body = {
    reminders: { enabled: true, channels: ["email"], rules },
    timeZone: "Europe/Berlin",
  };
  for (const { request } of [books, last]) {
    expect((await request("PATCH", "/organization", { body })).status).toBe(200);
  }
  for (let made = 1; made <= 21; made++) await bill(books.request, `L-${made}`, NOON - DAY);
  await bill(books.request, "W-1", NOON - 7 * DAY);
  await bill(last.request, "Z-1", NOON - DAY);
  for (let twice = 0; twice < 2; twice++) {
    await backend.mutation(internal.delivery.reminderJobs.round, { cursor: null });
    await backend.finishAllScheduledFunctions(() => undefined);
  }
  const reminded = await subjects();
  expect(reminded).toHaveLength(22);
  expect(reminded.filter((subject) => subject === "Second reminder: invoice W-1")).toHaveLength(1);
  const { data } = (await last.request("GET", "/notifications?channel=email&limit=200")).body;
  const others = data as unknown as { subject: string }[];
  expect(others.map(({ subject }) => subject)).toContain("Reminder: invoice Z-1");
});

test("a round that was interrupted goes on where it was, and the next hour's leaves it alone", async () => {
  const { backend, organizationId } = books;
  await remind();
  await bill(books.request, "L-1", NOON - DAY);
  const lost = { state: "running", at: NOON - 1, attempts: 0, lease: 7 } as const;
  await backend.run(async ({ db }) => {
    const position = { rule: 1, status: 0, cursor: null };
    await db.insert("reminderRuns", { organizationId, position, startedAt: NOON, job: lost });
  });
  await backend.mutation(internal.delivery.reminderJobs.round, { cursor: null });
  await backend.finishAllScheduledFunctions(() => undefined);
  expect(await subjects()).toEqual([]);
  const kind = { kind: "reminders" };
  expect((await backend.mutation(internal.jobs.recovery.recover, kind)).interrupted).toBe(1);
  await backend.finishAllScheduledFunctions(() => undefined);
  expect(await subjects()).toEqual(["Reminder: invoice L-1"]);
  const late = { organizationId, rule: 1, status: 0, cursor: null, lease: 7 };
  await backend.mutation(internal.delivery.reminderJobs.step, late);
  expect(await subjects()).toHaveLength(1);
  const run = await backend.run(({ db }) => db.query("reminderRuns").first());
  expect(run?.job).toMatchObject({ state: "succeeded", progress: { done: 1 } });
});

test.each([
  ["the hour that summer time skips", Date.UTC(2026, 2, 29, 1, 30), 3],
  ["the hour that winter time repeats", Date.UTC(2026, 9, 25, 0, 30), 2],
])("business hours follow the local clock: %s", (_name, at, hour) => {
  const hours = { from: hour, to: hour + 1, weekdays: [7] };
  expect(isWithinHours(at, "Europe/Berlin", hours)).toBe(true);
  expect(isWithinHours(at + 2 * HOUR, "Europe/Berlin", hours)).toBe(false);
});
