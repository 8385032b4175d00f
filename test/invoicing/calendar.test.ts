import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { nextRun } from "../../convex/ontology/schedule";
import type { Schedule } from "../../convex/ontology/scheduleTerms";
import { type Books, created, type Doc, line, openBooks, shown } from "./books";

const HOUR = 3_600_000;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse("2026-01-15T12:00Z") });
});
afterEach(() => {
  vi.useRealTimers();
});

/** What the hourly job does, with everything that it schedules. */
async function round({ backend }: Books): Promise<void> {
  await backend.mutation(internal.invoicingJobs.round, { cursor: null });
  await backend.finishAllScheduledFunctions(() => vi.advanceTimersByTime(0));
}

async function invoicesOf(books: Books): Promise<Doc[]> {
  return (await books.get("/invoices?sort=issueDate&limit=200")).body.data as unknown as Doc[];
}

test("an invoice is overdue from the day after its due date, in the organization's time zone", async () => {
  const books = await openBooks({ timeZone: "America/New_York" });
  const dueDate = Date.parse("2026-01-20T09:00-05:00");
  const { id } = await books.sent({ dueDate });
  const waiting = await books.sent({ dueDate, type: "b2b_single" });
  await books.patch(`/invoices/${waiting.id}`, { status: "awaiting_employer_payment" });
  const untouched = [await books.draft({ dueDate }), await books.sent({ dueDate })];
  await books.post(`/invoices/${untouched[1]?.id ?? ""}/pay`, { paymentMethod: "cash" });
  vi.setSystemTime(Date.parse("2026-01-20T23:59:59-05:00"));
  await round(books);
  expect(shown(await books.get(`/invoices/${id}`)).status).toBe("sent");
  vi.setSystemTime(Date.parse("2026-01-21T00:00:00-05:00"));
  await round(books);
  expect(shown(await books.get(`/invoices/${id}`)).status).toBe("overdue");
  expect(shown(await books.get(`/invoices/${waiting.id}`)).status).toBe("overdue");
  const statuses = await Promise.all(
    untouched.map(async (doc) => shown(await books.get(`/invoices/${doc.id}`)).status),
  );
  expect(statuses).toEqual(["draft", "paid"]);
  const paid = await books.post(`/invoices/${id}/pay`, { paymentMethod: "cash" });
  expect(shown(paid).status).toBe("paid");
});

test("more overdue invoices than one transaction takes are all marked", async () => {
  const books = await openBooks();
  for (let i = 0; i < 55; i++) await books.sent({ dueDate: Date.UTC(2026, 0, 11) });
  await round(books);
  expect((await books.get("/invoices?status=overdue")).body.meta.total).toBe(55);
});

test("a quote expires after its last day", async () => {
  const books = await openBooks();
  const body = { type: "b2c_single", lineItems: [line()], billTo: { name: "Ada" } };
  const quote = created(await books.post("/quotes", { ...body, validUntil: Date.now() }));
  shown(await books.post(`/quotes/${quote.id}/send`));
  await round(books);
  expect(shown(await books.get(`/quotes/${quote.id}`)).status).toBe("sent");
  vi.advanceTimersByTime(24 * HOUR);
  await round(books);
  expect(shown(await books.get(`/quotes/${quote.id}`)).status).toBe("expired");
  expect((await books.post(`/quotes/${quote.id}/accept`)).code).toBe("INVALID_STATE");
});

const template = (schedule: Schedule | Record<string, unknown>, more = {}): object => ({
  title: "Hosting",
  type: "b2c_single",
  lineItems: [line()],
  billTo: { name: "Ada" },
  schedule,
  ...more,
});

test("each run happens once, on its day in the organization's time zone, also after a downtime", async () => {
  const books = await openBooks({ timeZone: "Europe/Berlin" });
  const schedule = { frequency: "monthly", dayOfMonth: 31, startDay: "2026-01-20" };
  const recurring = created(await books.post("/recurring-invoices", template(schedule)));
  expect(recurring.customProperties).toMatchObject({ nextDay: "2026-01-31", runs: 0 });
  vi.setSystemTime(Date.parse("2026-01-30T23:59+01:00"));
  await round(books);
  expect(await invoicesOf(books)).toEqual([]);
  vi.setSystemTime(Date.parse("2026-01-31T00:00+01:00"));
  await round(books);
  await round(books);
  expect(await invoicesOf(books)).toMatchObject([{ name: "INV-2026-01-001", status: "draft" }]);
  // Nothing ran until the middle of May: across the change of clocks, and four runs late.
  vi.setSystemTime(Date.parse("2026-05-31T12:00+02:00"));
  await round(books);
  const made = await invoicesOf(books);
  expect(made.map(({ name }) => name)).toEqual([
    "INV-2026-01-001",
    "INV-2026-02-001",
    "INV-2026-03-001",
    "INV-2026-04-001",
    "INV-2026-05-001",
  ]);
  const days = made.map(({ customProperties: p }) => new Date(p.issueDate).toISOString());
  expect(days).toEqual([
    "2026-01-30T23:00:00.000Z",
    "2026-02-27T23:00:00.000Z",
    "2026-03-30T22:00:00.000Z",
    "2026-04-29T22:00:00.000Z",
    "2026-05-30T22:00:00.000Z",
  ]);
  const after = shown(await books.get(`/recurring-invoices/${recurring.id}`));
  expect(after.customProperties).toMatchObject({ runs: 5, nextDay: "2026-06-30" });
});

test("invoices are sent at once where that is asked for, and it ends after its count", async () => {
  const books = await openBooks();
  const schedule = { frequency: "weekly", startDay: "2026-01-15", count: 2 };
  const { id } = created(
    await books.post("/recurring-invoices", template(schedule, { delivery: "send" })),
  );
  vi.setSystemTime(Date.parse("2026-02-01T00:00Z"));
  await round(books);
  expect(await invoicesOf(books)).toMatchObject([
    { status: "sent", customProperties: { recurringInvoiceId: id } },
    { status: "sent" },
  ]);
  expect(shown(await books.get(`/recurring-invoices/${id}`)).status).toBe("ended");
  expect((await books.post(`/recurring-invoices/${id}/pause`)).code).toBe("INVALID_STATE");
});

test("what falls into a pause is passed over", async () => {
  const books = await openBooks();
  const schedule = { frequency: "weekly", startDay: "2026-01-15" };
  const { id } = created(await books.post("/recurring-invoices", template(schedule)));
  await round(books);
  expect(shown(await books.post(`/recurring-invoices/${id}/pause`)).status).toBe("paused");
  vi.setSystemTime(Date.parse("2026-02-10T00:00Z"));
  await round(books);
  const resumed = shown(await books.post(`/recurring-invoices/${id}/resume`));
  expect(resumed.customProperties).toMatchObject({ nextDay: "2026-02-12", runs: 1 });
  vi.setSystemTime(Date.parse("2026-02-12T00:00Z"));
  await round(books);
  expect(await invoicesOf(books)).toHaveLength(2);
  expect(shown(await books.post(`/recurring-invoices/${id}/end`)).status).toBe("ended");
});

test("changes hold from the next run on", async () => {
  const books = await openBooks();
  const schedule = { frequency: "weekly", startDay: "2026-01-15" };
  const { id } = created(await books.post("/recurring-invoices", template(schedule)));
  await round(books);
  const changed = shown(
    await books.patch(`/recurring-invoices/${id}`, {
      discountPercent: 50,
      schedule: { frequency: "monthly", dayOfMonth: "last", startDay: "2026-01-15" },
    }),
  );
  expect(changed.customProperties).toMatchObject({ nextDay: "2026-01-31" });
  vi.setSystemTime(Date.parse("2026-01-31T08:00Z"));
  await round(books);
  const totals = (await invoicesOf(books)).map(({ customProperties: p }) => p.totalAmountInCents);
  expect(totals).toEqual([11_900, 5950]);
});

test("a template that cannot run is paused with what is wrong, and holds up no other", async () => {
  const books = await openBooks();
  const schedule = { frequency: "weekly", startDay: "2026-01-15" };
  const contactId = (await books.contact()) as Id<"objects">;
  const broken = created(
    await books.post("/recurring-invoices", template(schedule, { billTo: { contactId } })),
  );
  created(await books.post("/recurring-invoices", template(schedule)));
  const overdue = await books.sent({ dueDate: Date.UTC(2026, 0, 11) });
  const setLifecycle = async (lifecycle: "live" | "deleted"): Promise<void> => {
    await books.backend.run(async (ctx) => {
      await ctx.db.patch("objects", contactId, { lifecycle });
    });
  };
  await setLifecycle("deleted");
  await round(books);
  await setLifecycle("live");
  expect(shown(await books.get(`/recurring-invoices/${broken.id}`))).toMatchObject({
    status: "paused",
    customProperties: { problem: "There is no such contact.", runs: 0, nextDay: "2026-01-15" },
  });
  expect(shown(await books.get(`/invoices/${overdue.id}`)).status).toBe("overdue");
  expect(await invoicesOf(books)).toHaveLength(2);
  const resumed = shown(await books.post(`/recurring-invoices/${broken.id}/resume`));
  expect(resumed.customProperties).not.toHaveProperty("problem");
  await round(books);
  expect(await invoicesOf(books)).toHaveLength(3);
});

test.each<[Record<string, unknown>, string]>([
  [{ frequency: "daily", startDay: "2026-01-01" }, "body.schedule.frequency"],
  [{ frequency: "weekly", startDay: "2026-02-30" }, "body.schedule.startDay"],
  [{ frequency: "weekly", startDay: "2026-01-01", dayOfMonth: 1 }, "body.schedule.dayOfMonth"],
  [{ frequency: "monthly", startDay: "2026-01-01", weekday: "MO" }, "body.schedule.weekday"],
  [{ frequency: "monthly", startDay: "2026-01-01", endDay: "2025-12-31" }, "body.schedule.endDay"],
  [
    { frequency: "yearly", startDay: "2026-01-02", dayOfMonth: 1, endDay: "2026-06-01" },
    "body.schedule",
  ],
])("the schedule %j is refused", async (schedule, path) => {
  const { post } = await openBooks();
  expect((await post("/recurring-invoices", template(schedule))).paths).toEqual([path]);
});

test.each<[Omit<Schedule, "interval">, string[]]>([
  [
    { frequency: "weekly", startDay: "2026-03-27", weekday: "SU" },
    ["2026-03-29", "2026-04-05", "2026-04-12"],
  ],
  [{ frequency: "monthly", startDay: "2027-12-31" }, ["2027-12-31", "2028-01-31", "2028-02-29"]],
  [{ frequency: "monthly", startDay: "2026-01-15", dayOfMonth: 30 }, ["2026-01-30", "2026-02-28"]],
  [
    { frequency: "monthly", startDay: "2026-02-01", dayOfMonth: "last" },
    ["2026-02-28", "2026-03-31", "2026-04-30"],
  ],
  [{ frequency: "yearly", startDay: "2028-02-29" }, ["2028-02-29", "2029-02-28", "2030-02-28"]],
  [{ frequency: "yearly", startDay: "2026-05-01", month: 4, dayOfMonth: 1 }, ["2027-04-01"]],
  [
    { frequency: "weekly", startDay: "2026-01-01", endDay: "2026-01-08" },
    ["2026-01-01", "2026-01-08"],
  ],
])("%j runs on %j", (schedule, days) => {
  const found: string[] = [];
  let from = schedule.startDay;
  for (let runs = 0; runs < days.length; runs++) {
    const day = nextRun({ interval: 1, ...schedule }, from, runs);
    if (day === null) break;
    found.push(day);
    from = new Date(Date.parse(day) + 24 * HOUR).toISOString().slice(0, 10);
  }
  expect(found).toEqual(days);
  if (schedule.endDay) expect(nextRun({ interval: 1, ...schedule }, from, days.length)).toBeNull();
});

test("every second week stays every second week, wherever it goes on", () => {
  const schedule: Schedule = { frequency: "weekly", interval: 2, startDay: "2026-01-01" };
  expect(nextRun(schedule, "2026-01-02", 1)).toBe("2026-01-15");
  expect(nextRun(schedule, "2026-12-01", 20)).toBe("2026-12-03");
});
