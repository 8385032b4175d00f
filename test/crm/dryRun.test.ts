import { expect, test } from "vitest";
import { newBackend } from "../helpers/backend";
import { dataOf, newContact, rowCount } from "./bodies";

const TABLES = ["objects", "events", "auditLogs", "countDeltas", "idempotencyRecords"] as const;

test("a dry run of every kind of write answers what would happen and writes nothing", async () => {
  const { backend, request } = await newBackend();
  const id = await newContact(request, { firstName: "Ada", email: "ada@x.test" });
  const other = await newContact(request, { firstName: "Ada L", email: "ada2@x.test" });
  const counts = async (): Promise<number[]> =>
    await Promise.all(TABLES.map((table) => rowCount(backend, table)));
  const before = await counts();
  const writes: [method: string, path: string, body: unknown, status: number][] = [
    ["POST", "/crm/contacts", { firstName: "Bo" }, 201],
    ["POST", "/crm/contacts", { email: "ADA@x.test", notes: "again" }, 200],
    ["PATCH", `/crm/contacts/${id}`, { notes: "x" }, 200],
    ["DELETE", `/crm/contacts/${id}`, undefined, 204],
    ["POST", "/crm/contacts/bulk", { items: [{ firstName: "Bo" }] }, 200],
    ["POST", `/crm/contacts/${id}/merge`, { sourceId: other }, 200],
    ["POST", `/crm/contacts/${id}/erase`, undefined, 200],
    ["POST", "/crm/organizations", { name: "Acme" }, 201],
    ["POST", "/api-keys", { name: "k", scopes: ["crm:read"] }, 201],
  ];
  for (const [method, path, body, status] of writes) {
    const options = {
      ...(body === undefined ? {} : { body }),
      headers: { "Idempotency-Key": "k" },
    };
    const answer = await request(method, `${path}?dryRun=true`, options);
    expect([path, answer.status, answer.headers.get("Dry-Run")]).toEqual([path, status, "true"]);
    expect(await counts(), path).toEqual(before);
  }
});

test("a dry run says so in meta, shows no secret and counts against the limit", async () => {
  const { request } = await newBackend();
  const body = { name: "k", scopes: ["crm:read"] };
  const first = await request("POST", "/api-keys?dryRun=true", { body });
  const second = await request("POST", "/api-keys?dryRun=true", { body });
  expect(dataOf<{ key: unknown }>(first).key).toBeNull();
  expect(first.body.meta).toMatchObject({ dryRun: true });
  const remaining = [first, second].map(({ headers }) =>
    Number(headers.get("RateLimit-Remaining")),
  );
  expect(remaining[1]).toBeLessThan(remaining[0] ?? 0);
});

test("a dry run is refused exactly as the write would be", async () => {
  const { request } = await newBackend();
  const bad = await request("POST", "/crm/contacts?dryRun=true", { body: { email: "no" } });
  expect([bad.status, bad.paths]).toEqual([400, ["body.email"]]);
  const missing = await request("DELETE", "/crm/contacts/nope?dryRun=true");
  expect([missing.status, missing.code]).toEqual([404, "CONTACT_NOT_FOUND"]);
  const unclear = await request("POST", "/crm/contacts?dryRun=yes", { body: { firstName: "A" } });
  expect([unclear.status, unclear.paths]).toEqual([400, ["query.dryRun"]]);
  const read = await request("GET", "/crm/contacts?dryRun=true");
  expect([read.status, read.paths]).toEqual([400, ["query.dryRun"]]);
});

test("a write after its dry run with the same Idempotency-Key happens", async () => {
  const { request } = await newBackend();
  const options = { body: { firstName: "Ada" }, headers: { "Idempotency-Key": "once" } };
  await request("POST", "/crm/contacts?dryRun=true", options);
  const real = await request("POST", "/crm/contacts", options);
  expect([real.status, real.headers.get("Idempotency-Replayed")]).toEqual([201, null]);
});
