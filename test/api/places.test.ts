import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { api } from "../../convex/_generated/api";
import { type Fixture, newBackend } from "../helpers/backend";
import { refusalOf } from "../helpers/refusal";

/** The same rule is met through every door; each says where in what it was given the field stands. */

let home: Fixture;
const DAY = 24 * 60 * 60 * 1000;
const issueDate = Date.UTC(2026, 0, 10);
const line = { description: "Work", quantity: 1, unitPriceInCents: 10_000, taxRatePercent: 19 };
const invoice = {
  type: "b2c_single" as const,
  billTo: { name: "Ada" },
  currency: "EUR",
  issueDate,
  lineItems: [line],
};
const backwards = { ...invoice, dueDate: issueDate - DAY };
const taken = { ...invoice, invoiceNumber: "X-1" };
const project = { subtype: "internal" as const, name: "Relaunch" };

type Refusal = { code: string; message: string; details: unknown };

beforeAll(async () => {
  vi.stubEnv("RATE_LIMIT_FACTOR", "10000");
  home = await newBackend();
  await made("/invoices", taken);
});

async function made(at: string, body: unknown): Promise<string> {
  const answer = await home.request("POST", at, { body });
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return answer.body.data.id;
}

async function overHttp(method: string, at: string, body: unknown): Promise<Refusal> {
  return (await home.request(method, at, { body })).body.error;
}

/** The refusal of a push of one change. */
async function pushed(type: string, data: object, id?: string): Promise<Refusal | undefined> {
  const change = {
    ...{ changeId: randomUUID(), op: "upsert", type, clientUpdatedAt: Date.now() + DAY, data },
    ...(id === undefined ? { clientId: randomUUID() } : { id }),
  };
  const body = { deviceId: "d1", changes: [change] };
  const { data: answer } = (await home.request("POST", "/sync/push", { body })).body;
  return (answer as unknown as { results: { error?: Refusal }[] }).results[0]?.error;
}

function recordOf({ type: subtype, ...customProperties }: typeof invoice): object {
  return { subtype, customProperties };
}

describe("a day before another", () => {
  const message = "must not be before the issue date";

  test("stands in the body over HTTP", async () => {
    expect(await overHttp("POST", "/invoices", backwards)).toMatchObject({
      message: `body.dueDate: ${message}`,
      details: [{ path: "body.dueDate", message }],
    });
  });

  test("stands in the argument of a live function, as that is called", async () => {
    const { backend, organizationId, sessionToken: sessionId } = home;
    const { createInvoice, updateInvoice } = api.invoicingOntology;
    const data = { ...backwards, organizationId };
    expect(await refusalOf(backend.mutation(createInvoice, { sessionId, data }))).toEqual({
      ...{ code: "VALIDATION_ERROR", status: 400 },
      message: `data.dueDate: ${message}`,
      details: [{ path: "data.dueDate", message }],
    });
    const invoiceId = await made("/invoices", invoice);
    const updates = { dueDate: issueDate - DAY };
    const update = backend.mutation(updateInvoice, { sessionId, invoiceId, updates });
    expect((await refusalOf(update)).details).toEqual([{ path: "updates.dueDate", message }]);
  });

  test("stands in the record of a pushed change", async () => {
    expect(await pushed("invoice", recordOf(backwards))).toEqual({
      code: "VALIDATION_ERROR",
      message: `data.customProperties.dueDate: ${message}`,
      details: [{ path: "data.customProperties.dueDate", message }],
    });
  });
});

describe("a number that another has", () => {
  test("stands in the body over HTTP", async () => {
    const { code, details } = await overHttp("POST", "/invoices", taken);
    expect([code, details]).toMatchObject(["CONFLICT", { path: "body.invoiceNumber" }]);
  });

  test("stands in the argument of a live function", async () => {
    const { backend, organizationId, sessionToken: sessionId } = home;
    const data = { ...taken, organizationId };
    const call = backend.mutation(api.invoicingOntology.createInvoice, { sessionId, data });
    const { code, details } = await refusalOf(call);
    expect([code, details]).toMatchObject(["CONFLICT", { path: "data.invoiceNumber" }]);
  });

  test("stands in the record of a pushed change", async () => {
    const refused = await pushed("invoice", recordOf(taken));
    const details = { path: "data.customProperties.invoiceNumber" };
    expect(refused).toMatchObject({ code: "CONFLICT", details });
  });
});

test("what an argument by itself says stands there", async () => {
  const { backend, sessionToken: sessionId } = home;
  const invoiceId = await made("/invoices", invoice);
  await home.request("POST", `/invoices/${invoiceId}/send`, { body: { channels: [] } });
  const pay = (payment: { paidDate: number; paymentMethod: string }): Promise<unknown> =>
    backend.mutation(api.invoicingOntology.markInvoicePaid, { sessionId, invoiceId, ...payment });
  const late = await refusalOf(pay({ paidDate: Date.now() + 9 * DAY, paymentMethod: "cash" }));
  expect(late.details).toMatchObject([{ path: "paidDate" }]);
  const unnamed = await refusalOf(pay({ paidDate: Date.now(), paymentMethod: " " }));
  expect(unnamed.details).toMatchObject([{ path: "paymentMethod" }]);
});

test("a part of an object that a live update merges stands below its argument", async () => {
  const { backend, organizationId, sessionToken: sessionId } = home;
  const { createProject, updateProject } = api.projectOntology;
  const { _id: projectId } = await backend.mutation(createProject, {
    ...{ sessionId, organizationId, data: project },
  });
  const updates = { budget: { amount: 100 } };
  const update = backend.mutation(updateProject, { sessionId, projectId, updates });
  expect((await refusalOf(update)).details).toMatchObject([{ path: "updates.budget.currency" }]);
});

test("a pushed record's own fields stand where the record has them", async () => {
  const own = { subtype: "internal", name: "Relaunch", customProperties: { $x: 1, progress: 500 } };
  const refused = await pushed("project", own);
  const paths = (refused?.details as { path: string }[]).map(({ path }) => path).sort();
  expect(paths).toEqual(["data.customProperties.$x", "data.customProperties.progress"]);
  const status = await pushed("project", { status: "gone" }, await made("/projects", project));
  expect(status?.details).toMatchObject([{ path: "data.status" }]);
});

describe("among many", () => {
  test("an item's rule stands in that item", async () => {
    const ada = { firstName: "Ada", email: "ada@places.test" };
    const first = await home.request("POST", "/crm/contacts", { body: ada });
    const other = await home.request("POST", "/crm/contacts", { body: { firstName: "Eve" } });
    const { contactId: eve } = other.body;
    const items = [{ firstName: "New" }, { id: eve, email: ada.email }, { id: eve, firstName: "" }];
    const { data } = (await home.request("POST", "/crm/contacts/bulk", { body: { items } })).body;
    const { results } = data as unknown as { results: { error?: Refusal }[] };
    expect(results.map(({ error }) => error?.details)).toMatchObject([
      undefined,
      { path: "body.items.1.email", id: first.body.contactId },
      [{ path: "body.items.2.firstName" }],
    ]);
  });

  test("a row's rule names its column", async () => {
    const tags = Array.from({ length: 60 }, (_, n) => `${n}`);
    const grace = { firstName: "Grace", email: "grace@places.test", tags: tags.slice(0, 50) };
    await home.request("POST", "/crm/contacts", { body: grace });
    const raw = `email;tags\n${grace.email};"${tags.slice(50).join(",")}"\n`;
    const headers = { "Content-Type": "text/csv" };
    const answer = await home.request("POST", "/crm/contacts/import", { raw, headers });
    expect(answer.body.data).toMatchObject({ errors: [{ path: "tags" }] });
  });

  test("an attendee's fields stand where the registration has them", async () => {
    const tags = Array.from({ length: 60 }, (_, n) => `${n}`);
    const known = { firstName: "Mary", email: "mary@places.test", tags: tags.slice(0, 50) };
    await home.request("POST", "/crm/contacts", { body: known });
    const refused = await overHttp("POST", "/crm/contacts/from-event", {
      ...{ eventId: "e1", eventName: "Meetup", eventDate: "2026-10-14" },
      attendeeInfo: { firstName: "Mary", email: known.email, tags: tags.slice(50) },
    });
    expect(refused.details).toMatchObject([{ path: "body.attendeeInfo.tags" }]);
  });
});

test("what a resolution says stands in its fields", async () => {
  const id = await made("/projects", { ...project, startDate: "2026-03-01" });
  const seen = { id, baseVersion: 1, clientUpdatedAt: 1 };
  const data = { customProperties: { progress: 5 } };
  const change = { changeId: randomUUID(), op: "upsert", type: "project", ...seen, data };
  await home.request("PATCH", `/projects/${id}`, { body: { progress: 7 } });
  const body = { deviceId: "d1", changes: [change] };
  const { data: answer } = (await home.request("POST", "/sync/push", { body })).body;
  const { results } = answer as unknown as { results: { conflictId: string }[] };
  const at = `/conflicts/${results[0]?.conflictId ?? ""}/resolve`;
  const fields = { customProperties: { targetEndDate: Date.UTC(2026, 1, 1) } };
  expect((await overHttp("POST", at, { fields })).details).toMatchObject([
    { path: "body.fields.customProperties.targetEndDate" },
  ]);
});
