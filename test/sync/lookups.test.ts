import { randomUUID } from "node:crypto";
import { beforeEach, expect, test } from "vitest";
import { type Fixture, newBackend } from "../helpers/backend";
import { type Change, newDevice, type TestDevice } from "./devices";

/** What it takes to decide a change, and to write what a new contact or an edit of one comes to. */

const MOST_LOOKUPS = 7;
const [FEW, MANY] = [5, 25];

let home: Fixture;
let phone: TestDevice;
let acme: string;

beforeEach(async () => {
  home = await newBackend();
  phone = await newDevice(home);
  const made = await home.request("POST", "/crm/organizations", { body: { name: "Acme" } });
  acme = made.body.data.id;
});

/** The index ranges that the latest push has read. */
async function indexRanges(): Promise<number> {
  const log = await home.backend.run(
    async ({ db }) => await db.query("syncLogs").order("desc").first(),
  );
  if (!log) throw new Error("A push is logged.");
  return log.indexRanges;
}

/** What one change more of this kind reads; checks that all of them end with this status. */
async function lookups(
  status: string,
  kind: (n: number) => Change | Promise<Change>,
): Promise<number> {
  const ranges: number[] = [];
  for (const count of [FEW, MANY]) {
    const changes: Change[] = [];
    for (let n = 0; n < count; n += 1) changes.push(await kind(n));
    const { results } = await phone.push(changes);
    expect(new Set(results.map((result) => result.status))).toEqual(new Set([status]));
    ranges.push(await indexRanges());
  }
  const [few = 0, many = 0] = ranges;
  return (many - few) / (MANY - FEW);
}

async function contact(fields: object = {}): Promise<string> {
  const answer = await home.request("POST", "/crm/contacts", {
    body: { firstName: "Ada", ...fields },
  });
  expect(answer.status).toBe(201);
  return answer.body.contactId;
}

const SAME = { customProperties: { firstName: "Ada" } };
const OTHER = { customProperties: { firstName: "Eve" } };

test.each<[string, string, (n: number) => Change | Promise<Change>]>([
  [
    "an edit that says what is so already",
    "applied",
    async () => ({ id: await contact(), baseVersion: 1, data: SAME }),
  ],
  [
    "an edit that loses",
    "conflict",
    async () => ({ id: await contact(), baseVersion: 1, clientUpdatedAt: 1, data: OTHER }),
  ],
  [
    "a deletion that loses",
    "conflict",
    async () => ({ op: "delete", id: await contact(), baseVersion: 1, clientUpdatedAt: 1 }),
  ],
  ["an edit of what is not there", "refused", () => ({ id: acme, data: OTHER })],
  [
    "a creation that refers to nothing",
    "refused",
    () => ({
      clientId: randomUUID(),
      data: { customProperties: { firstName: "Ada", crmOrganizationId: randomUUID() } },
    }),
  ],
])("%s is decided with at most seven look-ups", async (_what, status, kind) => {
  const found = await lookups(status, kind);
  expect(found).toBeGreaterThan(0);
  expect(found).toBeLessThanOrEqual(MOST_LOOKUPS);
});

test("a creation of what there is already is decided with at most seven look-ups", async () => {
  const found = await lookups("conflict", async () => {
    const email = `${randomUUID()}@x.test`;
    await contact({ email });
    const customProperties = { firstName: "Eve", email, crmOrganizationId: acme };
    return { clientId: randomUUID(), clientUpdatedAt: 1, data: { customProperties } };
  });
  expect(found).toBeGreaterThan(0);
  expect(found).toBeLessThanOrEqual(MOST_LOOKUPS);
});

test.each<[string, (n: number) => Change | Promise<Change>]>([
  [
    "a new contact with an e-mail, of an organization that others are of",
    () => ({
      clientId: randomUUID(),
      data: {
        customProperties: {
          ...{ firstName: randomUUID(), email: `${randomUUID()}@x.test` },
          crmOrganizationId: acme,
        },
      },
    }),
  ],
  [
    "an edit that wins",
    async () => ({
      ...{ id: await contact(), baseVersion: 1, clientUpdatedAt: Date.now() + 1000 },
      data: { customProperties: { notes: randomUUID() } },
    }),
  ],
])("%s is decided and written with at most seven look-ups", async (_what, kind) => {
  const found = await lookups("applied", kind);
  expect(found).toBeGreaterThan(0);
  expect(found).toBeLessThanOrEqual(MOST_LOOKUPS);
});

test("a change that was decided before is known by one look-up", async () => {
  const sent: Change[] = Array.from({ length: MANY }, () => ({
    ...{ changeId: randomUUID(), clientId: randomUUID() },
    data: SAME,
  }));
  await phone.push(sent);
  expect(await lookups("duplicate", (n) => sent[n] ?? {})).toBe(1);
});

test("what changes have in common is read once, however many they are", async () => {
  const of = (crmOrganizationId: string): Change => ({
    clientId: randomUUID(),
    data: { customProperties: { firstName: randomUUID(), crmOrganizationId } },
  });
  const organization = async (): Promise<string> =>
    (await home.request("POST", "/crm/organizations", { body: { name: randomUUID() } })).body.data
      .id;
  // Each refers to one of its own; then all refer to the same.
  const own = await lookups("applied", async () => of(await organization()));
  expect(await lookups("applied", () => of(acme))).toBe(own - 1);
  const nobodys = randomUUID();
  const unknown = await lookups("refused", () => of(randomUUID()));
  expect(await lookups("refused", () => of(nobodys))).toBe(unknown - 1);
});
