import * as fc from "fast-check";
import { beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { beginRemoval } from "../../convex/accounts/removals";
import { emailKey } from "../../convex/kit/email";
import { api, internal } from "../../convex/_generated/api";
import type { Doc, Id } from "../../convex/_generated/dataModel";
import { summaryOf } from "../../convex/time/summary";
import { KEY_RULES } from "../../convex/ontology/rekeying";
import { askingOf, type Data } from "../helpers/asking";
import { type Fixture, type Member, newBackend, newMember, requestsOf } from "../helpers/backend";

/** Each entry of time is billed once, and the sums of a project are what its entries and documents add up to. */
let home: Fixture;
let projectId: string;
let taskId: string;

const { ask, given } = askingOf(() => home);

async function newWork(fields: object = { hourlyRateInCents: 9000 }): Promise<void> {
  const project = await given("POST", "/projects", {
    ...{ subtype: "internal", name: "Relaunch", ...fields },
  });
  projectId = project.id;
  const task = { title: "Draft", estimateMinutes: 60 };
  taskId = (await given("POST", `/projects/${projectId}/tasks`, task)).id;
}
const log = async (minutes = 20, more: object = {}): Promise<Data> =>
  await given("POST", `/tasks/${taskId}/time`, { date: "2026-09-21", minutes, ...more });
const september = { from: "2026-09-01", to: "2026-09-30", groupBy: "task" };
const bill = async (more: object = {}): Promise<[number, Data]> =>
  await ask("POST", `/projects/${projectId}/invoice`, { ...september, ...more });
const summary = async (): Promise<Data> => await given("GET", `/projects/${projectId}/summary`);
const linesOf = (invoice: Data): Record<string, unknown>[] =>
  (invoice["customProperties"] as { lineItems: Record<string, unknown>[] }).lineItems;

async function rows(): Promise<Doc<"timeEntries">[]> {
  return await home.backend.run(async ({ db }) => {
    const all = await db.query("timeEntries").collect();
    return all.filter((entry) => entry.projectId === projectId);
  });
}
async function documents(): Promise<{ invoices: Invoice[]; credited: number }> {
  return await home.backend.run(async ({ db }) => {
    const all = (await db.query("objects").collect()).filter(
      ({ customProperties: properties }) =>
        "projectId" in properties && properties.projectId === projectId,
    );
    const invoices = all.filter((object): object is Invoice => object.type === "invoice");
    const credited = all
      .flatMap((object) => (object.type === "credit_note" ? [object] : []))
      .reduce((sum, note) => sum + note.customProperties.totalAmountInCents, 0);
    return { invoices, credited };
  });
}
type Invoice = Extract<Doc<"objects">, { type: "invoice" }>;

/** By brute force: all entries and documents of the project. */
async function recounted(): Promise<object> {
  const entries = await rows();
  const { invoices, credited } = await documents();
  const issued = invoices.filter(({ status }) => status !== "draft" && status !== "cancelled");
  const sixtieths = entries
    .filter(({ billable, isRunning, invoiceId }) => billable && !isRunning && !invoiceId)
    .reduce((sum, { minutes, rateInCents }) => sum + minutes * rateInCents, 0);
  const sumOf = (field: "totalAmountInCents" | "amountDueInCents"): number =>
    issued.reduce((sum, { customProperties }) => sum + customProperties[field], 0);
  return {
    loggedMinutes: entries.reduce((sum, { minutes }) => sum + minutes, 0),
    unbilledInCents: Math.round(sixtieths / 60),
    invoicedInCents: sumOf("totalAmountInCents") - credited,
    openInCents: sumOf("amountDueInCents"),
  };
}

beforeAll(async () => {
  home = await newBackend();
});
beforeEach(async () => {
  await newWork();
});

const STEPS = ["log", "change", "delete", "bill", "send", "cancel", "credit", "part"] as const;

describe("an entry of time", () => {
  test("is billed exactly once over any history of invoicing, cancelling, crediting and changes, and the summary is a recount", async () => {
    const step = fc.tuple(fc.constantFrom(...STEPS), fc.integer({ min: 1, max: 90 }));
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 10 }), async (steps) => {
        await newWork();
        for (const [what, n] of steps) {
          const entry = (await rows()).at(-1);
          const { invoices } = await documents();
          const invoice = invoices.at(n % Math.max(1, invoices.length));
          if (what === "log") await log(n, { billable: n % 7 !== 0 });
          else if (what === "bill") {
            const [status, made] = await bill({ groupBy: n % 2 ? "task" : "entry" });
            expect(status === 201 || made["code"] === "CONFLICT").toBe(true);
          } else if (what === "change" || what === "delete") {
            const method = what === "change" ? "PATCH" : "DELETE";
            const body = what === "change" ? { minutes: n } : undefined;
            const path = `/time-entries/${entry?._id ?? ""}`;
            const [status, answer] = entry ? await ask(method, path, body) : [200, null];
            if (entry?.invoiceId)
              expect([status, answer?.["code"]]).toEqual([409, "INVALID_STATE"]);
            else expect(status).toBeLessThan(300);
          } else if (invoice) {
            const path = `/invoices/${invoice._id}`;
            if (what === "send") await ask("POST", `${path}/send`, { channels: [] });
            if (what === "cancel") await ask("POST", `${path}/cancel`, {});
            if (what === "credit") await ask("POST", `${path}/credit-notes`, {});
            const part = [{ description: "A part", quantity: 1, unitPriceInCents: n }];
            if (what === "part") await ask("POST", `${path}/credit-notes`, { lineItems: part });
          }
          expect(await summary()).toMatchObject(await recounted());
          await eachBilledOnce();
        }
      }),
      { numRuns: 4 },
    );
  });

  /** What an invoice that stands says is what its entries come to, and no entry is on one that does not. */
  async function eachBilledOnce(): Promise<void> {
    const entries = await rows();
    for (const { _id, status, customProperties: invoice } of (await documents()).invoices) {
      const billed = entries.filter(({ invoiceId }) => invoiceId === _id);
      const { totalAmountInCents: total, amountCreditedInCents: credited } = invoice;
      if (status === "cancelled" || credited >= total) expect(billed).toEqual([]);
      else expect(billed.reduce((sum, { minutes }) => sum + minutes * 150, 0)).toBe(total);
    }
  }

  test("is on one invoice where two are made at once", async () => {
    for (const minutes of [10, 20, 30]) await log(minutes);
    const answers = await Promise.all([bill(), bill()]);
    expect(answers.map(([status]) => status).sort()).toEqual([201, 409]);
    const made = answers.find(([status]) => status === 201)?.[1].id;
    expect((await rows()).map(({ invoiceId }) => invoiceId)).toEqual([made, made, made]);
  });

  test("stays billed where the draft's lines are changed, or a part is credited", async () => {
    await log(60);
    const [, draft] = await bill();
    const lineItems = [{ description: "Flat", quantity: 1, unitPriceInCents: 5000 }];
    await given("PATCH", `/invoices/${draft.id}`, { lineItems });
    await given("POST", `/invoices/${draft.id}/send`, { channels: [] });
    const credit = async (cents: number): Promise<Data> =>
      await given("POST", `/invoices/${draft.id}/credit-notes`, {
        lineItems: [{ description: "A part", quantity: 1, unitPriceInCents: cents }],
      });
    await credit(2000);
    expect((await rows())[0]?.invoiceId).toBe(draft.id);
    await credit(3000);
    expect((await rows())[0]?.invoiceId).toBeUndefined();
  });

  test("at a rate of which hours have no exact decimals, is billed at the exact amount", async () => {
    await newWork({ hourlyRateInCents: 50_000_000 });
    await log(20);
    const [, invoice] = await bill();
    expect(linesOf(invoice)).toMatchObject([
      { description: "Draft (0:20 h)", quantity: 1, unitPriceInCents: 16_666_667 },
    ]);
  });

  test("in another currency than the project's is billed apart, and said apart in the summary", async () => {
    await newWork({ budget: { amount: 100, currency: "USD" }, hourlyRateInCents: 6000 });
    await log(60);
    const lead = await member();
    await given("POST", `/projects/${projectId}/team/invite`, { email: await emailOf(lead) });
    const rate = { hourlyRateInCents: 12_000 };
    await given("PATCH", `/projects/${projectId}/team/${lead.userId}`, rate);
    await log(30, { userId: lead.userId });
    const [status, error] = await bill();
    expect([status, error["details"]]).toEqual([409, { currencies: ["USD", "EUR"] }]);
    expect(await summary()).toMatchObject({
      ...{ currency: "USD", unbilledInCents: 6000 },
      otherCurrencies: [{ currency: "EUR", unbilledInCents: 6000 }],
    });
    const [, invoice] = await bill({ currency: "EUR", groupBy: "member" });
    expect(linesOf(invoice)).toMatchObject([{ quantity: 0.5, unitPriceInCents: 12_000 }]);
  });

  test("has the day on which it began in the organization's zone, also at midnight and when clocks change", async () => {
    await given("PATCH", "/organization", { timeZone: "Europe/Berlin" });
    const dayAt = async (startedAt: string, endedAt: string): Promise<unknown[]> => {
      const { date, minutes } = await given("POST", `/tasks/${taskId}/time`, {
        startedAt,
        endedAt,
      });
      return [date, minutes];
    };
    expect(await dayAt("2026-10-24T21:30:00Z", "2026-10-25T01:30:00Z")).toEqual([
      "2026-10-24",
      240,
    ]);
    expect(await dayAt("2026-10-24T22:30:00Z", "2026-10-25T22:30:00Z")).toEqual([
      ...["2026-10-25", 1440],
    ]);
    expect(await log(5, { date: "2026-10-25" })).toMatchObject({ date: "2026-10-25" });
    await given("PATCH", "/organization", { timeZone: "UTC" });
  });

  test("of who has left or deleted the account is billed, by name", async () => {
    const gone = await member();
    await log(60, { userId: gone.userId });
    await home.backend.run(async ({ db }) => {
      await db.patch("users", gone.userId, { name: "Mo Gone", deletedAt: 1 });
    });
    await leave(gone);
    const [, invoice] = await bill({ groupBy: "member" });
    expect(linesOf(invoice)).toMatchObject([{ description: "Mo Gone", quantity: 1 }]);
  });
});

async function member(): Promise<Member> {
  const { organizationId, backend } = home;
  return await newMember(backend, [{ organizationId, role: "member" }]);
}
async function leave({ userId }: Member): Promise<void> {
  const owner = requestsOf(home.backend, home.sessionToken);
  const path = `/tenants/${home.organizationId}/members/${userId}`;
  expect((await owner("DELETE", path)).status).toBe(204);
}
async function emailOf({ userId }: Member): Promise<string> {
  const email = `${userId.toLowerCase()}@x.test`;
  await home.backend.run(async ({ db }) => {
    await db.patch("users", userId, { email, emailKey: emailKey(email) });
  });
  return email;
}

describe("whose time it is", () => {
  test("leads change their project's, members their own, observers enter none", async () => {
    const [lead, mate, observer] = await Promise.all([member(), member(), member()]);
    const teamed = { subtype: "internal", name: "Team", visibility: "team" };
    const project = (await lead.request("POST", "/projects", { body: teamed })).body.data.id;
    const tasks = `/projects/${project}/tasks`;
    const task = (await lead.request("POST", tasks, { body: { title: "T" } })).body.data.id;
    for (const [who, role] of [
      [mate, "member"],
      [observer, "observer"],
    ] as const) {
      const body = { email: await emailOf(who), role };
      expect(
        (await lead.request("POST", `/projects/${project}/team/invite`, { body })).status,
      ).toBe(201);
    }
    const body = { date: "2026-09-21", minutes: 30 };
    const entry = (await mate.request("POST", `/tasks/${task}/time`, { body })).body.data.id;
    const path = `/time-entries/${entry}`;
    expect((await observer.request("POST", `/tasks/${task}/time`, { body })).code).toBe(
      "FORBIDDEN",
    );
    expect((await observer.request("PATCH", path, { body: { minutes: 1 } })).code).toBe(
      "FORBIDDEN",
    );
    const invoicing = { body: september };
    const invoice = `/projects/${project}/invoice`;
    expect((await observer.request("POST", invoice, invoicing)).code).toBe("FORBIDDEN");
    expect((await mate.request("PATCH", path, { body: { rateInCents: 9 } })).code).toBe(
      "FORBIDDEN",
    );
    expect((await lead.request("PATCH", path, { body: { minutes: 40 } })).status).toBe(200);
    const stranger = await member();
    expect((await stranger.request("DELETE", path)).code).toBe("TIME_ENTRY_NOT_FOUND");

    // Who is out of the team sees neither project nor task, and still changes what they have worked.
    await lead.request("DELETE", `/projects/${project}/team/${mate.userId}`);
    expect((await mate.request("GET", `/tasks/${task}`)).status).toBe(404);
    expect((await mate.request("PATCH", path, { body: { minutes: 50 } })).status).toBe(200);
    const shown = (await lead.request("GET", `/tasks/${task}`)).body.data as unknown as Data;
    expect(shown["loggedMinutes"]).toBe(50);
  });

  test("of joined accounts is the one's that stays, with the timer, also where the other had left", async () => {
    const [goes, stays] = [await member(), await member()];
    await log(60, { userId: goes.userId });
    await goes.request("POST", `/tasks/${taskId}/timer/start`);
    await leave(goes);
    vi.useFakeTimers();
    const removal = { userId: goes.userId, organizationIds: [], mergedInto: stays.userId };
    await home.backend.run(async (ctx) => {
      await beginRemoval(ctx, removal);
    });
    await home.backend.finishAllScheduledFunctions(vi.runAllTimers);
    vi.useRealTimers();
    const live = { sessionId: stays.sessionToken, organizationId: home.organizationId };
    const running = await home.backend.query(api.taskOntology.getRunningTimer, live);
    expect(running).toMatchObject({ userId: stays.userId, isRunning: true });
    expect((await rows()).map(({ userId }) => userId)).toEqual([stays.userId, stays.userId]);
  });
});

describe("the summary of a project", () => {
  async function folded(): Promise<void> {
    await vi.waitFor(async () => {
      await home.backend.mutation(internal.maintenance.foldCounts, {});
      expect(await home.backend.query(internal.maintenance.pendingCounts, {})).toBe(0);
    });
  }
  async function documentsRead(): Promise<number> {
    await folded();
    return await home.backend.run(async (ctx) => {
      const project = await ctx.db.get("objects", projectId as Id<"objects">);
      if (project?.type !== "project") throw new Error("The project is missing.");
      await summaryOf(ctx, project);
      return (await ctx.meta.getTransactionMetrics()).documentsRead.used;
    });
  }

  test("reads as much of many entries and invoices as of few, and is live", async () => {
    const worked = async (times: number): Promise<void> => {
      for (let n = 0; n < times; n += 1) {
        await log(10 + n);
        const [, invoice] = await bill();
        await given("POST", `/invoices/${invoice.id}/send`, { channels: [] });
      }
    };
    await worked(1);
    await log(5);
    const few = await documentsRead();
    await worked(4);
    for (const minutes of [1, 2, 3, 4, 5]) await log(minutes);
    expect(few).toBeLessThanOrEqual(8);
    expect(await documentsRead()).toBe(few);
    const live = { sessionId: home.sessionToken, projectId };
    expect(await home.backend.query(api.projectOntology.getProjectSummary, live)).toEqual(
      await summary(),
    );
  });

  test("has the estimates of tasks of before there were sums: with their next write, or by a job", async () => {
    const another = { title: "Old", estimateMinutes: 45 };
    await given("POST", `/projects/${projectId}/tasks`, another);
    await folded();
    vi.useFakeTimers();
    try {
      await home.backend.run(async ({ db }) => {
        for (const task of await db.query("objects").collect()) {
          if (task.type === "task") await db.patch("objects", task._id, { isSummed: undefined });
        }
        for (const { _id, cells } of await db.query("counts").collect()) {
          const bare = cells.map(({ sums, ...cell }) =>
            sums?.["planned"] === undefined ? { ...cell, ...(sums ? { sums } : {}) } : cell,
          );
          await db.patch("counts", _id, { cells: bare });
        }
        await db.patch("organizations", home.organizationId, { keyRules: KEY_RULES - 1 });
      });
      expect(await summary()).toMatchObject({ plannedMinutes: 0 });
      await given("PATCH", `/tasks/${taskId}`, { estimateMinutes: 90 });
      expect(await summary()).toMatchObject({ plannedMinutes: 90 });
      await home.backend.mutation(internal.rekeying.wake, {});
      await home.backend.finishAllScheduledFunctions(vi.runAllTimers);
      expect(await summary()).toMatchObject({ plannedMinutes: 135 });
    } finally {
      vi.useRealTimers();
    }
  });
});
