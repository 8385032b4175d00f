import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Answer, RequestOptions } from "../helpers/answer";
import { type Site, startSite } from "../helpers/site";
import type { Change, ConflictRecord, Pulled, Pushed, Result } from "./devices";

/** A device's whole life over HTTP, with a real `npm start` on the other side. */

let site: Site;
/** A member of staff, who signed in on the phone. */
let token: string;
const deviceId = randomUUID();
const DAY = 86_400_000;

beforeAll(async () => {
  site = await startSite();
  token = site.demo.staff.sessionToken;
});
afterAll(async () => {
  await site.server.remove();
});

async function ask(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
  return await site.request(method, path, { token, ...options });
}

async function activate(id = deviceId): Promise<Answer> {
  const body = { deviceId: id, name: "Phone", platform: "ios", appVersion: "1.0" };
  return await ask("POST", `/tenants/${site.demo.organizationId}/activate`, { body });
}

function whole(change: Change): Change {
  const made = { changeId: randomUUID(), clientUpdatedAt: Date.now() };
  return { ...made, op: "upsert", type: "crm_contact", ...change };
}

async function push(changes: Change[]): Promise<Pushed> {
  const body = { deviceId, changes: changes.map(whole) };
  const answer = await ask("POST", "/sync/push", { body });
  expect(answer.status, answer.text).toBe(200);
  return answer.body.data as unknown as Pushed;
}

async function send(change: Change): Promise<Result> {
  const [result] = (await push([change])).results;
  if (!result) throw new Error("A push of one change has one result.");
  return result;
}

async function pull(query: string): Promise<Pulled> {
  const answer = await ask("GET", `/sync/pull${query}`);
  expect(answer.status, answer.text).toBe(200);
  return answer.body.data as unknown as Pulled;
}

async function endOfChanges(): Promise<string> {
  const { body } = await ask("GET", "/sync/status");
  return (body.data as unknown as { cursor: string }).cursor;
}

const named = (firstName: string): Change => ({ data: { customProperties: { firstName } } });

test("what is no change, nobody's change and another's object is refused for itself", async () => {
  await activate();
  const project = await ask("POST", "/projects", { body: { subtype: "internal", name: "P" } });
  // An object of the same deployment that this organization must not find: the organization itself.
  const foreign = site.demo.organizationId;
  const { results } = await push([
    named("No id"),
    { ...named("Of another type"), id: project.body.data.id },
    { ...named("Of another table"), id: foreign },
    { ...named("Missing"), id: "missing" },
    { ...named("No UUID"), clientId: "not a uuid" },
    { ...named("No time"), clientId: randomUUID(), clientUpdatedAt: -1 },
    { op: "replace", clientId: randomUUID(), data: {} },
    { type: "user", clientId: randomUUID(), data: {} },
    { ...named("Good"), clientId: randomUUID() },
  ]);
  expect(results.map(({ status, error }) => error?.code ?? status)).toEqual([
    "VALIDATION_ERROR",
    ...Array.from({ length: 3 }, () => "CONTACT_NOT_FOUND"),
    ...Array.from({ length: 4 }, () => "VALIDATION_ERROR"),
    "applied",
  ]);
  expect(results[2]?.error).toEqual(results[3]?.error);
});

test("what is too much for one transaction is for the next push, and nothing is lost", async () => {
  await activate();
  const customFields = { text: "x".repeat(30_000) };
  let queue = Array.from({ length: 200 }, () =>
    whole({
      clientId: randomUUID(),
      data: { customProperties: { firstName: "Ada", customFields } },
    }),
  );
  const pushes: number[] = [];
  while (queue.length > 0 && pushes.length < 5) {
    const sent = (await push(queue)).results;
    const left = new Set(sent.flatMap(({ changeId, error }) => (error ? [changeId] : [])));
    for (const { error } of sent)
      expect(error?.code ?? "PAYLOAD_TOO_LARGE").toBe("PAYLOAD_TOO_LARGE");
    pushes.push(queue.length - left.size);
    queue = queue.filter(({ changeId }) => left.has(changeId ?? ""));
  }
  expect(pushes.length).toBeGreaterThan(1);
  expect(pushes.reduce((a, b) => a + b)).toBe(200);
});

test("an edit of 2099 is applied, and does not win against what is written later", async () => {
  await activate();
  const future = Date.UTC(2099, 0);
  const clientId = randomUUID();
  const made = await send({ ...named("Future"), clientId, clientUpdatedAt: future });
  expect(made.status).toBe("applied");
  const { body } = await ask("PATCH", `/crm/contacts/${made.id}`, { body: { firstName: "Now" } });
  expect(body.data).toMatchObject({ firstName: "Now", version: 2 });
  const stale = { id: made.id, baseVersion: 1, clientUpdatedAt: Date.now() - DAY };
  expect(await send({ ...named("Yesterday"), ...stale })).toMatchObject({ winner: "server" });
});

test("a cursor that was tampered with, of another list or none is refused by name", async () => {
  const cursor = await endOfChanges();
  const { body } = await ask("GET", "/crm/contacts?limit=1");
  const swapped = cursor.startsWith("A") ? "B" : "A";
  const altered = [
    swapped + cursor.slice(1),
    cursor.slice(0, -4),
    `${cursor}x`,
    body.nextCursor ?? "none",
    "nonsense",
  ];
  for (const bad of altered) {
    const answer = await ask("GET", `/sync/pull?cursor=${encodeURIComponent(bad)}`);
    expect([answer.status, answer.code, answer.paths], bad).toEqual([
      ...[400, "VALIDATION_ERROR"],
      ["query.cursor"],
    ]);
  }
  expect((await ask("GET", "/sync/pull?limit=1001")).code).toBe("VALIDATION_ERROR");
});

test("a device is activated, pushes, pulls, loses an edit, gets it back, and is revoked", async () => {
  const unknown = { deviceId: randomUUID(), changes: [] };
  expect((await ask("POST", "/sync/push", { body: unknown })).status).toBe(404);
  const activated = await activate();
  expect([200, 201]).toContain(activated.status);

  const since = await endOfChanges();
  const [acme, ada] = [randomUUID(), randomUUID()];
  const customProperties = { firstName: "Ada", crmOrganizationId: acme };
  const made = [
    { clientId: ada, data: { customProperties } },
    { type: "crm_organization", clientId: acme, data: { name: "Acme" } },
  ].map(whole);
  const pushed = await push(made);
  expect(pushed).toMatchObject({ applied: 2, conflicts: [] });
  const again = await push(made);
  expect(again.results).toEqual(
    pushed.results.map((result) => ({ ...result, status: "duplicate" })),
  );
  const page = await pull(`?cursor=${since}`);
  expect(page.hasMore).toBe(false);
  expect(new Set(page.changes.map(({ clientId }) => clientId))).toEqual(new Set([acme, ada]));

  const id = pushed.results[0]?.id ?? "";
  await ask("PATCH", `/crm/contacts/${id}`, { body: { notes: "office" } });
  const lost = await push([
    {
      ...{ id, baseVersion: 1, clientUpdatedAt: Date.now() - DAY },
      data: { customProperties: { notes: "phone" } },
    },
  ]);
  expect(lost.results[0]).toMatchObject({ status: "conflict", winner: "server" });
  const [conflict] = lost.conflicts;
  expect(conflict).toMatchObject({
    ...{ objectId: id, fields: ["notes"], resolution: null },
    server: { data: { customProperties: { notes: "office" } } },
    client: { data: { customProperties: { notes: "phone" } } },
  });
  const resolve = `/conflicts/${conflict?.id}/resolve`;
  const resolved = await ask("POST", resolve, { body: { keep: "client" } });
  expect(resolved.body.data as unknown as ConflictRecord).toMatchObject({ resolution: "client" });
  const after = await pull(`?cursor=${page.nextCursor}`);
  expect(after.changes.map((change) => [change.id, change.data?.customProperties.notes])).toEqual([
    [id, "phone"],
  ]);

  expect((await ask("DELETE", `/devices/${activated.body.data.id}`)).status).toBe(204);
  const late = { deviceId, changes: [whole({ ...named("Late"), clientId: randomUUID() })] };
  const refused = await ask("POST", "/sync/push", { body: late });
  expect([refused.status, refused.code]).toEqual([401, "UNAUTHORIZED"]);
});
