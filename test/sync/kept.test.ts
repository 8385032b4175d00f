import { randomUUID } from "node:crypto";
import { beforeEach, expect, test, vi } from "vitest";
import { api, internal } from "../../convex/_generated/api";
import { type Fixture, newBackend, newTenant } from "../helpers/backend";
import { newDevice, type Pulled, type TestDevice } from "./devices";

let home: Fixture;
let phone: TestDevice;

beforeEach(async () => {
  home = await newBackend();
  phone = await newDevice(home);
});

const DAY = 24 * 60 * 60 * 1000;

async function contact(): Promise<string> {
  return (await home.request("POST", "/crm/contacts", { body: { firstName: "Ada" } })).body
    .contactId;
}

/** By a key: sessions end in thirty days. */
async function pull(parameters = ""): Promise<Pulled> {
  const answer = await home.request("GET", `/sync/pull${parameters}`);
  expect(answer.status).toBe(200);
  return answer.body.data as unknown as Pulled;
}

/** The clean-up, so many days from now. */
async function cleanUpIn(days: number): Promise<void> {
  vi.setSystemTime(Date.now() + days * DAY);
  await home.backend.mutation(internal.sync.tombstones.cleanUp, {});
  vi.useRealTimers();
}

test("a tombstone is kept 90 days; a copy from before it is then refused, and a new one is not", async () => {
  const [kept, gone] = [await contact(), await contact()];
  const { nextCursor: before } = await pull();
  await home.request("DELETE", `/crm/contacts/${gone}`);
  const { nextCursor: after } = await pull();
  await cleanUpIn(89);
  expect((await pull(`?cursor=${before}`)).changes).toMatchObject([{ op: "delete" }]);
  await cleanUpIn(91);
  const refused = await home.request("GET", `/sync/pull?cursor=${before}`);
  expect(refused.status).toBe(410);
  expect(refused.body.error).toMatchObject({ code: "GONE", details: { resync: true } });
  expect((await pull(`?cursor=${after}`)).changes).toEqual([]);
  expect((await pull()).changes.map(({ id }) => id)).toEqual([kept]);
});

test("what came back to life is not taken away with its old tombstone", async () => {
  const id = await contact();
  await home.request("DELETE", `/crm/contacts/${id}`);
  const data = { customProperties: { firstName: "Back" } };
  await phone.send({ id, clientUpdatedAt: Date.now() + 1000, data });
  await cleanUpIn(91);
  expect((await pull()).changes).toMatchObject([{ id, op: "upsert" }]);
});

test("a push of 200 new contacts stays within Convex's limits, and each is decided once", async () => {
  const organization = randomUUID();
  const changes = Array.from({ length: 199 }, (_, n) => ({
    clientId: randomUUID(),
    data: {
      customProperties: {
        ...{ firstName: "Ada", email: `ada${n}@x.test` },
        crmOrganizationId: organization,
      },
    },
  }));
  const first = { type: "crm_organization", clientId: organization, data: { name: "Acme" } };
  const { applied } = await phone.push([...changes, first]);
  expect(applied).toBe(200);
  const log = await home.backend.run(async ({ db }) => await db.query("syncLogs").first());
  expect(log).toMatchObject({ changes: 200, applied: 200, refused: 0 });
  // Deciding and writing together: of the 4,096 that Convex allows a transaction.
  expect(log?.indexRanges).toBeLessThan(200 * 7.5);
});

test("a change at which the server fails is refused alone, and can be sent again", async () => {
  const { backend, organizationId } = home;
  const series = `project:${new Date().getUTCFullYear()}`;
  // A row too many, as damage or a bug would leave it.
  const damage = await backend.run(async ({ db }) => {
    await db.insert("serials", { organizationId, series, last: 0 });
    return await db.insert("serials", { organizationId, series, last: 0 });
  });
  const made = { customProperties: { firstName: "Ada" } };
  const project = { type: "project", clientId: randomUUID(), changeId: "project" };
  const failing = { ...project, data: { subtype: "internal", name: "P" } };
  const before = { type: "crm_organization", clientId: randomUUID(), data: { name: "Acme" } };
  const after = { type: "project", id: "nothing", data: {} };
  const sent = [failing, { clientId: randomUUID(), data: made }, before, after];
  const { results } = await phone.push(sent);
  expect(results.map(({ status, error }) => error?.code ?? status)).toEqual([
    ...["INTERNAL_ERROR", "applied", "applied", "PROJECT_NOT_FOUND"],
  ]);
  await backend.run(async ({ db }) => {
    await db.delete("serials", damage);
  });
  expect(await phone.send(failing)).toMatchObject({ status: "applied" });
  expect((await pull()).changes).toHaveLength(3);
});

test("status tells the server's time, whether there is something to pull, and one's devices", async () => {
  const { nextCursor } = await phone.pull();
  const status = async (): Promise<Record<string, unknown>> =>
    (await phone.request("GET", `/sync/status?cursor=${nextCursor}`)).body
      .data as unknown as Record<string, unknown>;
  const quiet = await status();
  expect(quiet).toMatchObject({ pending: false });
  expect(Math.abs(Number(quiet.serverTime) - Date.now())).toBeLessThan(60_000);
  expect(quiet.devices).toMatchObject([
    { deviceId: phone.deviceId, lastPullAt: expect.any(Number) as number, lastPushAt: null },
  ]);
  await contact();
  expect(await status()).toMatchObject({ pending: true });
});

test("a subscription learns that there is something to pull, in its own organization alone", async () => {
  const { backend, organizationId } = home;
  const args = { sessionId: phone.sessionToken, organizationId };
  const before = await backend.query(api.syncQueries.latest, args);
  const other = await newTenant(backend);
  await other.request("POST", "/crm/contacts", { body: { firstName: "Eve" } });
  expect(await backend.query(api.syncQueries.latest, args)).toEqual(before);
  await contact();
  const after = await backend.query(api.syncQueries.latest, args);
  expect(after).not.toEqual(before);
  expect((await phone.pull()).nextCursor).toBe(after.cursor);
  const foreign = { ...args, organizationId: other.organizationId };
  await expect(backend.query(api.syncQueries.latest, foreign)).rejects.toThrow("not yours");
});
