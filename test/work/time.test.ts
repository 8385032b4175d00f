import * as fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { grossOf } from "../../convex/money/totals";
import { amountOf, hoursOf } from "../../convex/time/hours";
import { askingOf, type Data } from "../helpers/asking";
import { type Fixture, newBackend, newMember, requestsOf } from "../helpers/backend";

let home: Fixture;
let projectId: string;
let taskId: string;

const { ask, given } = askingOf(() => home);

async function entries(query = ""): Promise<Data[]> {
  const path = `/time-entries?projectId=${projectId}${query}`;
  return (await given("GET", path)) as unknown as Data[];
}
const september = { from: "2026-09-01", to: "2026-09-30", groupBy: "task" };
const content = (invoice: Data): Record<string, unknown> & { lineItems: Data[] } =>
  invoice["customProperties"] as Record<string, unknown> & { lineItems: Data[] };

async function worked(): Promise<void> {
  const project = await given("POST", "/projects", {
    ...{ subtype: "internal", name: "Relaunch", hourlyRateInCents: 9000 },
    budget: { amount: 1000.5, currency: "EUR" },
  });
  projectId = project.id;
  taskId = (
    await given("POST", `/projects/${projectId}/tasks`, { title: "Draft", estimateMinutes: 60 })
  ).id;
}

beforeAll(async () => {
  home = await newBackend();
});

test("hours of six decimals come to the exact amount, whatever the minutes and the rate", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 720_000 }),
      fc.integer({ min: 0, max: 1_000_000 }),
      (minutes, rate) => {
        const line = { quantity: hoursOf(minutes, rate) ?? NaN, unitPriceInCents: rate };
        const gross = grossOf({ ...line, taxCategory: "zero", taxRatePercent: 0 });
        expect(Number(gross)).toBe(amountOf(minutes, rate));
      },
    ),
  );
});

describe("time", () => {
  test("is frozen with its rate, kept in the task's minutes, and changed while nothing bills it", async () => {
    await worked();
    const first = await given("POST", `/tasks/${taskId}/time`, { date: "2026-09-21", minutes: 50 });
    expect(first).toMatchObject({ minutes: 50, rateInCents: 9000, currency: "EUR", projectId });
    const second = await given("POST", `/projects/${projectId}/tasks/${taskId}/time`, {
      startedAt: "2026-09-22T10:00:00Z",
      endedAt: "2026-09-22T10:20:10Z",
      note: "Call",
    });
    expect(second).toMatchObject({ date: "2026-09-22", minutes: 20 });
    await given("PATCH", `/projects/${projectId}`, { hourlyRateInCents: 100 });
    await given("PATCH", `/time-entries/${first.id}`, { minutes: 40 });
    expect((await given("GET", `/tasks/${taskId}`))["loggedMinutes"]).toBe(60);
    expect((await entries()).map(({ rateInCents }) => rateInCents)).toEqual([9000, 9000]);
    await given("DELETE", `/time-entries/${first.id}`);
    expect((await given("GET", `/tasks/${taskId}`))["loggedMinutes"]).toBe(20);
    const late = { startedAt: "2026-09-22T10:00:00Z", endedAt: "2026-09-23T10:00:01Z" };
    expect((await ask("POST", `/tasks/${taskId}/time`, late))[0]).toBe(400);
  });

  test("runs on one timer per member, and is stopped where it was forgotten", async () => {
    await worked();
    const timer = await given("POST", `/tasks/${taskId}/timer/start`);
    expect(timer).toMatchObject({ isRunning: true, minutes: 0 });
    expect((await ask("POST", `/tasks/${taskId}/timer/start`))[0]).toBe(409);
    expect((await entries())[0]).toMatchObject({ id: timer.id, isRunning: true });
    const stopped = await given("POST", `/tasks/${taskId}/timer/stop`);
    expect(stopped).toMatchObject({ id: timer.id, isRunning: false, minutes: 1 });
    expect((await ask("POST", `/tasks/${taskId}/timer/stop`))[1]["code"]).toBe("TIMER_NOT_FOUND");
    const gone = await given("POST", "/tasks", { projectId, title: "Gone" });
    const left = await given("POST", `/tasks/${gone.id}/timer/start`);
    await ask("DELETE", `/tasks/${gone.id}`);
    const next = await given("POST", `/tasks/${taskId}/timer/start`);
    const ended = (await entries()).find(({ id }) => id === left.id);
    expect(ended).toMatchObject({ isRunning: false, minutes: 1 });
    await given("POST", `/tasks/${taskId}/timer/stop`);
    await ask("DELETE", `/time-entries/${next.id}`);
  });

  test("of others is the owners' and managers' to change", async () => {
    await worked();
    const { organizationId, backend } = home;
    const [mo, other] = await Promise.all(
      [0, 1].map(() => newMember(backend, [{ organizationId, role: "member" }])),
    );
    const time = { date: "2026-09-21", minutes: 5 };
    const made = await mo?.request("POST", `/tasks/${taskId}/time`, { body: time });
    const id = made?.body.data.id ?? "";
    const path = `/time-entries/${id}`;
    expect((await other?.request("PATCH", path, { body: { minutes: 6 } }))?.status).toBe(403);
    expect((await other?.request("DELETE", path))?.code).toBe("FORBIDDEN");
    expect((await other?.request("GET", "/time-entries"))?.body.data).toEqual([]);
    const owner = requestsOf(backend, home.sessionToken);
    expect((await owner("PATCH", path, { body: { minutes: 6 } })).status).toBe(200);
  });
});

describe("an invoice of time", () => {
  test("bills each entry once, rounds on itself alone, and frees them when it is cancelled or credited", async () => {
    await worked();
    const time = { date: "2026-09-21", minutes: 20 };
    const raw = await given("POST", `/tasks/${taskId}/time`, time);
    await given("POST", `/tasks/${taskId}/time`, { ...time, minutes: 31 });
    await given("POST", `/tasks/${taskId}/time`, { ...time, billable: false });
    const rounded = { ...september, roundToMinutes: 15 };
    const path = `/projects/${projectId}/invoice`;
    const invoice = await given("POST", path, rounded);
    expect(content(invoice).lineItems).toMatchObject([
      { description: "Draft", quantity: 1.25, unitPriceInCents: 9000, totalPriceInCents: 11_250 },
    ]);
    expect((await ask("POST", path, rounded))[0]).toBe(409);
    const [status, error] = await ask("DELETE", `/time-entries/${raw.id}`);
    expect([status, error["code"]]).toEqual([409, "INVALID_STATE"]);
    expect(await entries("&billed=true")).toHaveLength(2);
    await given("POST", `/invoices/${invoice.id}/cancel`, {});
    expect(await entries("&billed=true")).toEqual([]);

    const exact = await given("POST", path, september);
    expect(content(exact)["totalAmountInCents"]).toBe(7650);
    await given("POST", `/invoices/${exact.id}/send`, { channels: [] });
    const summary = await given("GET", `/projects/${projectId}/summary`);
    expect(summary).toMatchObject({
      ...{ currency: "EUR", budgetInCents: 100_050, plannedMinutes: 60, loggedMinutes: 71 },
      ...{ unbilledInCents: 0, invoicedInCents: 7650, openInCents: 7650 },
      tasksByStatus: { todo: 1, in_progress: 0, in_review: 0, done: 0, cancelled: 0 },
    });
    await given("POST", `/invoices/${exact.id}/credit-notes`, {});
    expect(await given("GET", `/projects/${projectId}/summary`)).toMatchObject({
      ...{ unbilledInCents: 7650, invoicedInCents: 0, openInCents: 0 },
    });
    const freed = (await entries()).find(({ id }) => id === raw.id);
    expect([freed?.["minutes"], freed?.["invoiceId"]]).toEqual([20, undefined]);
  });
});
