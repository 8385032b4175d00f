import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { type Fixture, newBackend, newKey, newMember, newTenant } from "../helpers/backend";
import { type ConflictRecord, newDevice, type Result, type TestDevice } from "./devices";

let home: Fixture;
let phone: TestDevice;

beforeEach(async () => {
  home = await newBackend();
  phone = await newDevice(home);
});

const HOUR = 3_600_000;
const named = (firstName: string): { customProperties: { firstName: string } } => ({
  customProperties: { firstName },
});

async function contact(fields: object = { firstName: "Ada" }): Promise<string> {
  return (await home.request("POST", "/crm/contacts", { body: fields })).body.contactId;
}

async function stored(id: string): Promise<Record<string, unknown>> {
  const { body } = await home.request("GET", `/crm/contacts/${id}`);
  return body as unknown as Record<string, unknown>;
}

async function conflicts(query = ""): Promise<ConflictRecord[]> {
  const { body } = await home.request("GET", `/conflicts${query}`);
  return body.data as unknown as ConflictRecord[];
}

function paths({ details }: NonNullable<Result["error"]>): (string | undefined)[] {
  return (details as { path?: string }[]).map(({ path }) => path);
}

describe("creating", () => {
  test("a change again is answered as it was, and nothing happens twice", async () => {
    const change = { changeId: "c1", clientId: randomUUID(), data: named("Ada") };
    const first = await phone.send(change);
    expect(first).toMatchObject({ status: "applied", version: 1 });
    const again = await phone.push([change, change]);
    expect(again.applied).toBe(0);
    for (const result of again.results) expect(result).toEqual({ ...first, status: "duplicate" });
    const twice = await phone.push([
      { changeId: "c2", clientId: randomUUID(), data: named("Bob") },
      { changeId: "c2", clientId: randomUUID(), data: named("Bob") },
    ]);
    expect(twice.results.map(({ status }) => status)).toEqual(["applied", "duplicate"]);
    expect((await phone.pull()).changes).toHaveLength(2);
  });

  test("a push makes what refers to each other, in whatever order it is sent", async () => {
    const [org, ada, project, invoice, payment] = Array.from({ length: 5 }, () => randomUUID());
    const line = { description: "Work", quantity: 1, unitPriceInCents: 100, taxRatePercent: 19 };
    const { results } = await phone.push([
      {
        type: "invoice",
        clientId: invoice,
        data: {
          subtype: "b2b_single",
          customProperties: {
            lineItems: [line],
            billTo: { contactId: ada, crmOrganizationId: org },
            projectId: project,
          },
        },
      },
      {
        type: "project",
        clientId: project,
        data: {
          subtype: "client_project",
          name: "Relaunch",
          status: "planning",
          customProperties: { clientOrgId: org, contactIds: [ada], colour: "größe" },
        },
      },
      {
        clientId: ada,
        data: { customProperties: { firstName: "Ada", crmOrganizationId: org } },
      },
      { type: "crm_organization", clientId: org, data: { name: "Acme" } },
      {
        type: "payment",
        clientId: payment,
        data: {
          customProperties: { invoiceId: invoice, amountInCents: 119, paymentMethod: "cash" },
        },
      },
    ]);
    expect(results.map(({ status }) => status)).toEqual([
      ...["applied", "applied", "applied", "applied", "refused"],
    ]);
    // Nobody owes a draft.
    expect(results[4]?.error?.code).toBe("INVALID_STATE");
    const [invoiceId, projectId, contactId, orgId] = results.map(({ id }) => id);
    const { changes } = await phone.pull();
    const byClientId = new Map(changes.map((change) => [change.clientId, change]));
    expect(byClientId.get(project)).toMatchObject({
      id: projectId,
      data: {
        name: "Relaunch",
        status: "planning",
        customProperties: { clientOrgId: orgId, contactIds: [contactId], colour: "größe" },
      },
    });
    expect(byClientId.get(invoice)?.data?.customProperties).toMatchObject({
      invoiceNumber: expect.stringMatching(/^INV-/) as string,
      totalAmountInCents: 119,
      projectId,
      billTo: { contactId, crmOrganizationId: orgId, name: "Acme" },
    });
    // A later push refers to it by the same name, and a sent invoice takes the payment.
    await home.request("POST", `/invoices/${invoiceId}/send`, { body: {} });
    const paid = await phone.send({
      type: "payment",
      clientId: payment,
      data: { customProperties: { invoiceId: invoice, amountInCents: 119, paymentMethod: "cash" } },
    });
    expect(paid.status).toBe("applied");
    const { body } = await home.request("GET", `/invoices/${invoiceId}`);
    expect(body.data.status).toBe("paid");
  });

  test("a creation whose e-mail lives updates that contact, and is a conflict", async () => {
    const email = "Ada@x.test";
    const id = await contact({ firstName: "Ada", email, tags: ["a"], subtype: "customer" });
    const clientId = randomUUID();
    const { results, conflicts: recorded } = await phone.push([
      {
        clientId,
        clientUpdatedAt: Date.now() + 1000,
        data: {
          subtype: "lead",
          customProperties: { email: "ada@X.test", lastName: "Lovelace", tags: ["b"] },
        },
      },
    ]);
    expect(results).toMatchObject([{ status: "conflict", id, version: 2, winner: "client" }]);
    expect(recorded).toMatchObject([
      { objectId: id, fields: ["email", "lastName", "name", "tags"] },
    ]);
    const after = await stored(id);
    expect(after).toMatchObject({ firstName: "Ada", lastName: "Lovelace", tags: ["a", "b"] });
    expect(after).toMatchObject({ subtype: "customer" });
    const clientUpdatedAt = Date.now() + 2000;
    const data = { customProperties: { notes: "x" } };
    const alias = await phone.send({ clientId, clientUpdatedAt, data });
    expect(alias).toMatchObject({ id, status: "applied" });
  });
});

describe("last write wins", () => {
  test("the later edit wins; who did not know of the other leaves a conflict with both", async () => {
    const id = await contact({ firstName: "Ada", notes: "old" });
    await home.request("PATCH", `/crm/contacts/${id}`, { body: { notes: "server" } });
    const older = await phone.send({
      id,
      baseVersion: 1,
      clientUpdatedAt: Date.now() - HOUR,
      data: { customProperties: { notes: "phone" } },
    });
    expect(older).toMatchObject({ status: "conflict", winner: "server", id, version: 2 });
    const newer = await phone.send({
      id,
      baseVersion: 1,
      clientUpdatedAt: Date.now() + 1000,
      data: { customProperties: { notes: "phone again" } },
    });
    expect(newer).toMatchObject({ status: "conflict", winner: "client", version: 3 });
    expect(await stored(id)).toMatchObject({ notes: "phone again", firstName: "Ada" });
    const [second, first] = await conflicts();
    expect(first).toMatchObject({
      ...{ winner: "server", fields: ["notes"], version: 2 },
      server: { version: 2, data: { customProperties: { notes: "server", firstName: "Ada" } } },
      client: { version: null, data: { customProperties: { notes: "phone", firstName: "Ada" } } },
    });
    expect(second).toMatchObject({
      server: { version: 2, data: { customProperties: { notes: "server" } } },
      client: { version: 3, data: { customProperties: { notes: "phone again" } } },
    });
  });

  test("a device's own edits are no conflict with each other, whatever its clock says", async () => {
    const clientId = randomUUID();
    const ahead = Date.now() + 2 * HOUR;
    const edit = (n: number): object => ({
      clientId,
      clientUpdatedAt: ahead + n,
      data: { customProperties: { firstName: "Ada", notes: String(n) } },
    });
    const { results } = await phone.push([edit(0), edit(1), edit(2)]);
    expect(results.map(({ status }) => status)).toEqual(["applied", "applied", "applied"]);
    const id = results[0]?.id ?? "";
    expect(await stored(id)).toMatchObject({ notes: "2" });
    const next = { ...edit(3), baseVersion: 1 };
    expect(await phone.send(next)).toMatchObject({ status: "applied", version: 4 });
  });

  test("who has not met again what they made knows of nobody else's edits: a conflict", async () => {
    const clientId = randomUUID();
    const at = Date.now();
    const { id } = await phone.send({ clientId, clientUpdatedAt: at, data: named("Ada") });
    const tablet = await newDevice(home);
    const notes = { customProperties: { notes: "tablet" } };
    await tablet.send({ id, baseVersion: 1, clientUpdatedAt: at + 1000, data: notes });
    const later = { clientId, clientUpdatedAt: at + 2000 };
    const own = { customProperties: { notes: "phone" } };
    expect(await phone.send({ ...later, data: own })).toMatchObject({
      ...{ id, status: "conflict", winner: "client" },
    });
    const [conflict] = await conflicts();
    expect(conflict?.server.data?.customProperties).toMatchObject({ notes: "tablet" });
  });

  test("2099 counts as five minutes from now: somebody else's later edit still wins", async () => {
    const id = await contact();
    const first = await phone.send({
      id,
      baseVersion: 1,
      clientUpdatedAt: Date.UTC(2099, 0),
      data: named("Future"),
    });
    expect(first.status).toBe("applied");
    const tablet = await newDevice(home);
    const tooEarly = { id, baseVersion: 2, data: named("Now") };
    expect(await tablet.send(tooEarly)).toMatchObject({ winner: "server" });
    await home.request("PATCH", `/crm/contacts/${id}`, { body: { notes: "x" } });
    const later = { ...tooEarly, baseVersion: 3, clientUpdatedAt: Date.now() + 1000 };
    expect(await tablet.send(later)).toMatchObject({ status: "applied", version: 4 });
  });

  test("a deletion wins and loses as an edit does, and an edit brings back what was deleted", async () => {
    const [kept, gone, back] = [await contact(), await contact(), await contact()];
    const at = Date.now();
    const lost = await phone.send({ op: "delete", id: kept, baseVersion: 1, clientUpdatedAt: 1 });
    expect(lost).toMatchObject({ status: "conflict", winner: "server" });
    const won = await phone.send({
      op: "delete",
      id: gone,
      baseVersion: 1,
      clientUpdatedAt: at + 1000,
    });
    expect(won).toMatchObject({ status: "applied", version: 2 });
    const stale = { id: gone, baseVersion: 1, clientUpdatedAt: at, data: named("Ghost") };
    const tablet = await newDevice(home);
    expect(await tablet.send(stale)).toMatchObject({ winner: "server", status: "conflict" });
    expect((await home.request("GET", `/crm/contacts/${gone}`)).status).toBe(404);

    await home.request("DELETE", `/crm/contacts/${back}`);
    const later = {
      id: back,
      baseVersion: 1,
      clientUpdatedAt: Date.now() + 2000,
      data: named("Back"),
    };
    expect(await tablet.send(later)).toMatchObject({ winner: "client", status: "conflict" });
    expect(await stored(back)).toMatchObject({ firstName: "Back" });
  });
});

describe("what is refused", () => {
  test("each change for itself, and the others are applied", async () => {
    const other = await newTenant(home.backend);
    const foreign = await other.request("POST", "/crm/contacts", { body: { firstName: "Eve" } });
    const project = await home.request("POST", "/projects", {
      body: { subtype: "internal", name: "P" },
    });
    await contact({ firstName: "Taken", email: "taken@x.test" });
    const mine = await contact();
    const { results } = await phone.push([
      { data: named("No id") },
      { id: foreign.body.contactId, data: named("Foreign") },
      { id: "nonsense", data: named("Missing") },
      { id: project.body.data.id, data: named("Another type") },
      { type: "frontend_user", clientId: randomUUID(), data: named("Portal") },
      { clientId: "not a uuid", data: named("X") },
      { op: "replace", clientId: randomUUID(), data: named("X") },
      { clientId: randomUUID(), clientUpdatedAt: -1, data: named("X") },
      { clientId: randomUUID(), data: { customProperties: { firstName: 5 } } },
      { clientId: randomUUID(), data: { status: "dead", customProperties: { firstName: "X" } } },
      { clientId: randomUUID(), data: { customProperties: { firstName: "X", nonsense: 1 } } },
      {
        clientId: randomUUID(),
        data: { customProperties: { firstName: "X", crmOrganizationId: randomUUID() } },
      },
      {
        id: mine,
        clientUpdatedAt: Date.now() + 1000,
        data: { customProperties: { email: "taken@x.test" } },
      },
      { op: "delete", clientId: randomUUID() },
      { clientId: randomUUID(), data: named("Good") },
    ]);
    const codes = results.map(({ status, error }) => error?.code ?? status);
    expect(codes).toEqual([
      "VALIDATION_ERROR",
      "CONTACT_NOT_FOUND",
      "CONTACT_NOT_FOUND",
      "CONTACT_NOT_FOUND",
      ...Array.from({ length: 7 }, () => "VALIDATION_ERROR"),
      "REFERENCE_NOT_FOUND",
      "EMAIL_EXISTS",
      "CONTACT_NOT_FOUND",
      "applied",
    ]);
    expect(results[1]?.error).toEqual(results[2]?.error);
    const paths = results.map(
      ({ error }) => (error?.details as { path?: string }[] | null)?.[0]?.path,
    );
    expect(paths.slice(8, 11)).toEqual([
      "data.customProperties.firstName",
      "data.status",
      "data.customProperties.nonsense",
    ]);
  });

  test("a change that names two things, by its id and by its clientId", async () => {
    const [clientId, unknown] = [randomUUID(), randomUUID()];
    const { id } = await phone.send({ clientId, data: named("Ada") });
    const other = await contact();
    const at = Date.now() + 1000;
    const edit = { clientUpdatedAt: at, data: named("Eve") };
    const { results } = await phone.push([
      { id: other, clientId, ...edit },
      { id, clientId: unknown, ...edit },
      { op: "delete", id: other, clientId },
      { id, clientId, ...edit },
    ]);
    const outcomes = results.map(({ status, error }) => (error ? paths(error) : status));
    expect(outcomes).toEqual([["clientId"], ["clientId"], ["clientId"], "applied"]);
    expect(await stored(other)).toMatchObject({ firstName: "Ada", version: 1 });
    // Nothing has come to be called that.
    expect(await phone.send({ clientId: unknown, data: named("New") })).toMatchObject({
      version: 1,
    });
  });

  test("what was refused can be sent again, and is applied when it fits", async () => {
    const clientId = randomUUID();
    const employee = {
      changeId: "early",
      clientId: randomUUID(),
      data: { customProperties: { firstName: "Ada", crmOrganizationId: clientId } },
    };
    expect(await phone.send(employee)).toMatchObject({ status: "refused" });
    await phone.send({ type: "crm_organization", clientId, data: { name: "Acme" } });
    expect(await phone.send(employee)).toMatchObject({ status: "applied" });
  });

  test("what the rules of a type refuse to a request", async () => {
    const line = { description: "Work", quantity: 1, unitPriceInCents: 100, taxRatePercent: 19 };
    const body = { type: "b2c_single", lineItems: [line], billTo: { name: "Ada" } };
    const { id } = (await home.request("POST", "/invoices", { body })).body.data;
    await home.request("POST", `/invoices/${id}/send`, { body: {} });
    const at = Date.now() + 1000;
    const invoice = { type: "invoice", id, baseVersion: 2, clientUpdatedAt: at };
    const { results } = await phone.push([
      { ...invoice, data: { customProperties: { lineItems: [{ ...line, quantity: 2 }] } } },
      { ...invoice, data: { status: "paid" } },
      { ...invoice, op: "delete" },
      {
        type: "invoice",
        clientId: randomUUID(),
        data: {
          subtype: "b2c_single",
          customProperties: { lineItems: [line], billTo: { name: "A" }, totalAmountInCents: 5 },
        },
      },
      {
        type: "project",
        clientId: randomUUID(),
        data: { subtype: "internal", name: "P", status: "completed" },
      },
    ]);
    expect(results.map(({ error }) => error?.code)).toEqual([
      ...["INVALID_STATE", "INVALID_STATE", "INVALID_STATE", "VALIDATION_ERROR", "INVALID_STATE"],
    ]);
    // A record can be sent back as it came; only what is new in it is a change.
    const { changes } = await phone.pull();
    const whole = changes.find((change) => change.id === id)?.data;
    if (!whole) throw new Error("The invoice is pulled.");
    const noted = { ...whole, customProperties: { ...whole.customProperties, notes: "thanks" } };
    expect(await phone.send({ ...invoice, data: noted })).toMatchObject({ status: "applied" });
  });

  test("viewers, strangers' devices, revoked ones, and pushes that are too long", async () => {
    const change = { changeId: "x", op: "upsert", type: "crm_contact", clientId: randomUUID() };
    const body = {
      deviceId: phone.deviceId,
      changes: [{ ...change, clientUpdatedAt: 1, data: named("X") }],
    };
    const viewer = await newDevice(home, "viewer");
    const refusedViewer = await viewer.request("POST", "/sync/push", { body });
    expect(refusedViewer.body.error?.code).toBe("INSUFFICIENT_SCOPE");
    const { organizationId } = home;
    const stranger = await newMember(home.backend, [{ organizationId, role: "owner" }]);
    expect((await stranger.request("POST", "/sync/push", { body })).status).toBe(404);
    const many = Array.from({ length: 201 }, (_, n) => ({ changeId: String(n) }));
    for (const bad of [
      { deviceId: phone.deviceId },
      { deviceId: phone.deviceId, changes: many },
      { deviceId: phone.deviceId, changes: [{}] },
      { deviceId: "", changes: [] },
    ]) {
      expect((await phone.request("POST", "/sync/push", { body: bad })).status).toBe(400);
    }
    const { body: listed } = await stranger.request("GET", "/devices?all=true");
    const own = listed.data.find(
      (device) => (device as unknown as { deviceId: string }).deviceId === phone.deviceId,
    );
    await stranger.request("DELETE", `/devices/${own?.id}`);
    expect((await phone.request("POST", "/sync/push", { body })).status).toBe(401);
  });

  test("an integration pushes under a name of its own, a key without the scope does not", async () => {
    const { backend, organizationId } = home;
    const key = await newKey(backend, organizationId, ["sync:write"]);
    const changes = [
      {
        ...{ changeId: "1", op: "upsert", type: "crm_contact", clientId: randomUUID() },
        clientUpdatedAt: 1,
        data: named("X"),
      },
    ];
    const body = { deviceId: "import", changes };
    expect((await key.request("POST", "/sync/push", { body })).status).toBe(200);
    const reader = await newKey(backend, organizationId, ["sync:read", "crm:write"]);
    expect((await reader.request("POST", "/sync/push", { body })).status).toBe(403);
  });
});

describe("conflicts", () => {
  async function lostEdit(): Promise<{ id: string; conflict: ConflictRecord }> {
    const id = await contact({ firstName: "Ada", notes: "old", phone: "1" });
    await home.request("PATCH", `/crm/contacts/${id}`, { body: { notes: "server", phone: null } });
    const data = { customProperties: { notes: "phone", phone: "2" } };
    await phone.send({ id, baseVersion: 1, clientUpdatedAt: 1, data });
    const [conflict] = await conflicts();
    if (!conflict) throw new Error("There is a conflict.");
    return { id, conflict };
  }

  test("the loser can be brought back, once", async () => {
    const { id, conflict } = await lostEdit();
    const path = `/conflicts/${conflict.id}/resolve`;
    const resolved = await phone.request("POST", path, { body: { keep: "client" } });
    expect(resolved.body.data).toMatchObject({ resolution: "client" });
    expect(await stored(id)).toMatchObject({ notes: "phone", phone: "2" });
    const again = await phone.request("POST", path, { body: { keep: "server" } });
    expect(again.body.error?.code).toBe("INVALID_STATE");
    expect(await conflicts("?open=true")).toEqual([]);
    expect(await conflicts(`?since=${Date.now() + HOUR}`)).toEqual([]);
  });

  test("the winner can be kept, and fields of both be merged", async () => {
    const { id, conflict } = await lostEdit();
    const kept = await phone.request("POST", `/conflicts/${conflict.id}/resolve`, {
      body: { keep: "server" },
    });
    expect(kept.status).toBe(200);
    expect(await stored(id)).toMatchObject({ notes: "server", phone: null, version: 2 });
    const second = await lostEdit();
    const fields = { customProperties: { notes: "server and phone" } };
    await phone.request("POST", `/conflicts/${second.conflict.id}/resolve`, { body: { fields } });
    expect(await stored(second.id)).toMatchObject({ notes: "server and phone", phone: null });
  });

  test("what was written since is not overwritten unseen", async () => {
    const { id, conflict } = await lostEdit();
    await home.request("PATCH", `/crm/contacts/${id}`, { body: { notes: "newer" } });
    const path = `/conflicts/${conflict.id}/resolve`;
    const body = { keep: "client" };
    const refused = await phone.request("POST", path, { body });
    expect(refused.body.error?.code).toBe("VERSION_MISMATCH");
    const seen = await phone.request("POST", path, { body, headers: { "If-Match": '"3"' } });
    expect(seen.status).toBe(200);
    expect(await stored(id)).toMatchObject({ notes: "phone", phone: "2" });
  });

  test("bad resolutions, and another organization's conflict", async () => {
    const { conflict } = await lostEdit();
    const path = `/conflicts/${conflict.id}/resolve`;
    for (const body of [{}, { keep: "both" }, { keep: "client", fields: {} }]) {
      expect((await phone.request("POST", path, { body })).status).toBe(400);
    }
    const other = await newTenant(home.backend);
    const foreign = await other.request("POST", path, { body: { keep: "client" } });
    expect(foreign.body.error?.code).toBe("CONFLICT_NOT_FOUND");
    expect((await other.request("GET", "/conflicts")).body.data).toEqual([]);
  });

  test("an erased person is in no conflict any more, and no edit brings them back", async () => {
    const { id } = await lostEdit();
    await home.request("POST", `/crm/contacts/${id}/erase`);
    expect(await conflicts()).toEqual([]);
    const late = { id, clientUpdatedAt: Date.now() + HOUR, data: named("Ada") };
    expect(await phone.send(late)).toMatchObject({ status: "refused", error: { code: "GONE" } });
  });
});

describe("a contact without any name", () => {
  const nameless = { customProperties: { phone: "+49 30 1" } };

  test("is not made, and what is pushed beside it is", async () => {
    const pushed = await phone.push([
      { changeId: "bad", clientId: randomUUID(), data: nameless },
      { changeId: "empty", clientId: randomUUID(), data: named("") },
      { changeId: "good", clientId: randomUUID(), data: named("Ada") },
    ]);
    expect(pushed.results.map(({ changeId, status }) => [changeId, status])).toEqual([
      ["bad", "refused"],
      ["empty", "refused"],
      ["good", "applied"],
    ]);
    for (const { error } of pushed.results.slice(0, 2)) {
      expect(error).toMatchObject({ code: "VALIDATION_ERROR" });
      expect(JSON.stringify(error?.details)).toContain("firstName");
    }
    expect((await phone.pull()).changes).toHaveLength(1);
  });

  test.each([null, ""])("is not left by a change that takes the last one: %j", async (none) => {
    const id = await contact({ firstName: "Ada", email: "ada@x.test" });
    const { results } = await phone.push([
      { changeId: "one", id, baseVersion: 1, data: { customProperties: { email: null } } },
      { changeId: "last", id, baseVersion: 2, data: { customProperties: { firstName: none } } },
    ]);
    expect(results.map(({ status }) => status)).toEqual(["applied", "refused"]);
    expect(results[1]?.error).toMatchObject({ code: "VALIDATION_ERROR" });
    expect(await stored(id)).toMatchObject({ firstName: "Ada", email: null, version: 2 });
  });
});

test("an integer that would be rounded is refused by name, and one that is held is kept", async () => {
  const push = async (number: string) => {
    const change = `{"changeId":"n${number}","op":"upsert","type":"crm_contact","clientId":"${randomUUID()}","clientUpdatedAt":${Date.now()},"data":{"customProperties":{"firstName":"Ada","customFields":{"n":${number}}}}}`;
    const raw = `{"deviceId":"${phone.deviceId}","changes":[${change}]}`;
    return await phone.request("POST", "/sync/push", { raw });
  };
  const refused = await push("9007199254740993");
  const path = "body.changes.0.data.customProperties.customFields.n";
  expect([refused.status, refused.paths]).toEqual([400, [path]]);
  expect((await push("123456789012345680000")).status).toBe(200);
  const [pulled] = (await phone.pull()).changes;
  expect(pulled?.data?.customProperties).toMatchObject({
    customFields: { n: 123456789012345680000 },
  });
});
