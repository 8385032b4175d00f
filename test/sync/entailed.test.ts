import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import { type Fixture, newBackend } from "../helpers/backend";
import { type ConflictRecord, newDevice, type Sent, type TestDevice } from "./devices";

/** What one change means for other objects than the one that it names. */

let home: Fixture;
let phone: TestDevice;

beforeEach(async () => {
  home = await newBackend();
  phone = await newDevice(home);
});

const MINUTE = 60_000;
const LINE = { description: "Work", quantity: 1, unitPriceInCents: 10_000, taxRatePercent: 19 };

async function made(path: string, body: object): Promise<string> {
  const answer = await home.request("POST", path, { body });
  return path === "/crm/contacts" ? answer.body.contactId : answer.body.data.id;
}

async function pulled(id: string): Promise<Required<Sent> | null> {
  const { changes } = await phone.pull();
  return changes.find((change) => change.id === id)?.data ?? null;
}

async function conflictsOf(objectId: string): Promise<ConflictRecord[]> {
  const { body } = await home.request("GET", "/conflicts");
  const all = body.data as unknown as ConflictRecord[];
  return all.filter((conflict) => conflict.objectId === objectId);
}

test("a payment that was taken offline does not make what the office wrote since look older", async () => {
  const invoice = await made("/invoices", {
    ...{ type: "b2c_single", billTo: { name: "Ada" }, lineItems: [LINE] },
  });
  await home.request("POST", `/invoices/${invoice}/send`, { body: { channels: [] } });
  await home.request("PATCH", `/invoices/${invoice}`, { body: { notes: "office" } });
  const paid = await phone.send({
    ...{ type: "payment", clientId: randomUUID(), clientUpdatedAt: Date.now() - 60 * MINUTE },
    data: { customProperties: { invoiceId: invoice, amountInCents: 100, paymentMethod: "cash" } },
  });
  expect(paid.status).toBe("applied");
  const older = { type: "invoice", id: invoice, clientUpdatedAt: Date.now() - 30 * MINUTE };
  const data = { customProperties: { notes: "phone, half an hour ago" } };
  const late = await phone.send({ ...older, baseVersion: 1, data });
  expect(late).toMatchObject({ status: "conflict", winner: "server" });
  expect((await pulled(invoice))?.customProperties.notes).toBe("office");
});

describe("a contact that was merged away", () => {
  async function merged(): Promise<{ target: string; source: string }> {
    const source = await made("/crm/contacts", { firstName: "Ada", phone: "1" });
    const target = await made("/crm/contacts", { firstName: "Ada", notes: "old" });
    await home.request("POST", `/crm/contacts/${target}/merge`, { body: { sourceId: source } });
    return { target, source };
  }

  test("an edit of it goes to the one that it went into, as a conflict there, and revives nothing", async () => {
    const { target, source } = await merged();
    const data = { customProperties: { notes: "phone" } };
    const at = Date.now() + MINUTE;
    const edit = { id: source, baseVersion: 1, clientUpdatedAt: at, data };
    expect(await phone.send(edit)).toMatchObject({
      ...{ status: "conflict", winner: "client", id: target },
    });
    expect((await pulled(target))?.customProperties.notes).toBe("phone");
    expect(await pulled(source)).toBeNull();
    expect(await conflictsOf(source)).toEqual([]);
    const tablet = await newDevice(home);
    const older = { ...edit, clientUpdatedAt: 1, data: { customProperties: { notes: "tablet" } } };
    expect(await tablet.send(older)).toMatchObject({ winner: "server", id: target });
    const [lost] = await conflictsOf(target);
    expect(lost).toMatchObject({
      server: { data: { customProperties: { notes: "phone" } } },
      client: { data: { customProperties: { notes: "tablet" } } },
    });
  });

  test("what refers to it refers to the one that it went into, also where the device does not know", async () => {
    const { target, source } = await merged();
    const { results } = await phone.push([
      {
        type: "project",
        clientId: randomUUID(),
        data: { subtype: "internal", name: "P", customProperties: { contactIds: [source] } },
      },
      {
        type: "invoice",
        clientId: randomUUID(),
        data: {
          subtype: "b2c_single",
          customProperties: { lineItems: [LINE], billTo: { contactId: source } },
        },
      },
    ]);
    expect(results.map(({ status, error }) => error ?? status)).toEqual(["applied", "applied"]);
    const [project = "", invoice = ""] = results.map(({ id }) => id);
    expect((await pulled(project))?.customProperties.contactIds).toEqual([target]);
    expect((await pulled(invoice))?.customProperties.billTo).toMatchObject({ contactId: target });
  });

  test("also over several merges; deleting it deletes nothing more; after an undo it is itself", async () => {
    const { target, source } = await merged();
    const last = await made("/crm/contacts", { firstName: "Ada" });
    const body = { sourceId: target };
    const merge = await home.request("POST", `/crm/contacts/${last}/merge`, { body });
    const at = Date.now() + MINUTE;
    const data = { customProperties: { notes: "phone" } };
    expect(await phone.send({ id: source, clientUpdatedAt: at, data })).toMatchObject({ id: last });
    const deletion = { op: "delete", id: source, clientUpdatedAt: at + 1 };
    expect(await phone.send(deletion)).toMatchObject({ status: "applied", id: source });
    expect(await pulled(last)).not.toBeNull();
    const { id } = (merge.body.data as unknown as { merge: { id: string } }).merge;
    await home.request("POST", `/crm/contacts/merges/${id}/undo`);
    const again = { id: target, clientUpdatedAt: Date.now() + 2 * MINUTE, data };
    expect(await phone.send(again)).toMatchObject({ id: target });
  });
});

test("an erasure takes a person out of the conflicts of drafts that name them", async () => {
  const contact = await made("/crm/contacts", { firstName: "Ada", lastName: "Lovelace" });
  const quote = await made("/quotes", {
    ...{ type: "b2c_single", billTo: { contactId: contact }, lineItems: [LINE] },
  });
  const data = { customProperties: { notes: "for Ada Lovelace" } };
  const lost = { type: "quote", id: quote, baseVersion: 1, clientUpdatedAt: 1, data };
  expect(await phone.send(lost)).toMatchObject({ status: "conflict" });
  expect(JSON.stringify(await conflictsOf(quote))).toContain("Lovelace");
  await home.request("POST", `/crm/contacts/${contact}/erase`);
  expect(JSON.stringify(await conflictsOf(quote))).not.toContain("Lovelace");
});

describe("documents of invoicing obey the rules of requests", () => {
  const content = { billTo: { name: "Ada" }, lineItems: [LINE] };

  test("a quote's total is the server's, and only a draft is changed", async () => {
    const clientId = randomUUID();
    const data = { subtype: "b2c_single", customProperties: content };
    const create = { type: "quote", clientId, data };
    const wrong = { ...data, customProperties: { ...content, totalAmountInCents: 1 } };
    expect((await phone.send({ ...create, data: wrong })).error?.code).toBe("VALIDATION_ERROR");
    const { id } = await phone.send(create);
    expect((await pulled(id))?.customProperties.totalAmountInCents).toBe(11_900);
    await home.request("POST", `/quotes/${id}/send`, { body: { channels: [] } });
    const lineItems = [{ ...LINE, quantity: 2 }];
    const change = { type: "quote", id, clientUpdatedAt: Date.now() + MINUTE };
    const late = await phone.send({ ...change, data: { customProperties: { lineItems } } });
    expect(late.error?.code).toBe("INVALID_STATE");
    expect((await phone.send({ ...change, op: "delete" })).error?.code).toBe("INVALID_STATE");
    const accepted = await phone.send({ ...change, data: { status: "accepted" } });
    expect(accepted.error).toBeUndefined();
    expect((await pulled(id))?.status).toBe("accepted");
  });

  test("a credit note is booked on its invoice, is final, and credits no more than there is", async () => {
    const invoice = await made("/invoices", { type: "b2c_single", ...content });
    const credit = { type: "credit_note", clientId: randomUUID() };
    const data = { customProperties: { invoiceId: invoice } };
    expect((await phone.send({ ...credit, data })).error?.code).toBe("INVALID_STATE");
    await home.request("POST", `/invoices/${invoice}/send`, { body: { channels: [] } });
    const { id, status } = await phone.send({ ...credit, data });
    expect(status).toBe("applied");
    expect((await pulled(id))?.customProperties.totalAmountInCents).toBe(11_900);
    const edit = { type: "credit_note", id, clientUpdatedAt: Date.now() + MINUTE };
    const changed = { customProperties: { reason: "another" } };
    expect((await phone.send({ ...edit, data: changed })).error?.code).toBe("INVALID_STATE");
    expect((await phone.send({ ...edit, op: "delete" })).error?.code).toBe("INVALID_STATE");
    const again = await phone.send({ ...credit, clientId: randomUUID(), data });
    expect(again.status).toBe("refused");
  });

  test("a recurring invoice runs, pauses and ends as by requests, and is not deleted", async () => {
    const data = {
      subtype: "b2c_single",
      customProperties: {
        ...content,
        title: "Hosting",
        schedule: { frequency: "weekly", startDay: new Date().toISOString().slice(0, 10) },
      },
    };
    const recurring = { type: "recurring_invoice", clientId: randomUUID() };
    const made = await phone.send({ ...recurring, data });
    expect(made.error).toBeUndefined();
    await home.backend.mutation(internal.invoicingJobs.round, { cursor: null });
    await vi.waitFor(async () => {
      const { body } = await home.request("GET", "/invoices");
      expect(body.data).toMatchObject([{ customProperties: { recurringInvoiceId: made.id } }]);
    });
    const change = { ...recurring, clientUpdatedAt: Date.now() + MINUTE };
    for (const status of ["paused", "active", "paused"]) {
      expect((await phone.send({ ...change, data: { status } })).error).toBeUndefined();
      expect((await pulled(made.id))?.status).toBe(status);
    }
    const nonsense = await phone.send({ ...change, data: { status: "draft" } });
    expect(nonsense.error?.code).toBe("INVALID_STATE");
    expect((await phone.send({ ...change, op: "delete" })).error?.code).toBe("INVALID_STATE");
    expect((await phone.send({ ...change, data: { status: "ended" } })).status).toBe("applied");
    const revived = await phone.send({ ...change, data: { status: "active" } });
    expect(revived.error?.code).toBe("INVALID_STATE");
  });
});
