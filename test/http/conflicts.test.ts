import { afterAll, beforeAll, expect, test } from "vitest";
import { allContacts, differencesOf, runInternal, type Site, startSite } from "../helpers/site";

let site: Site;

beforeAll(async () => {
  site = await startSite({ flags: ["--inject-conflicts", "0.3"] });
});
afterAll(async () => {
  await site.server.remove();
});

test("under injected conflicts every answer is right, and everything happens once", async () => {
  const made = await Promise.all(
    Array.from({ length: 60 }, async (_, i) => {
      const body = {
        lastName: `C${i}`,
        email: `c${i}@x.test`,
        organizationInfo: { name: `O${i % 5}` },
      };
      const answer = await site.request("POST", "/crm/contacts", { body });
      expect(answer.status).toBe(201);
      return answer.body.contactId;
    }),
  );
  expect(new Set(made).size).toBe(60);
  await Promise.all(
    made.map(async (id, i) => {
      if (i % 3 === 0)
        expect((await site.request("DELETE", `/crm/contacts/${id}`)).status).toBe(204);
      else {
        const answer = await site.request("PATCH", `/crm/contacts/${id}`, {
          body: { notes: `n${i}`, subtype: i % 2 ? "customer" : "lead" },
        });
        expect(answer.body.data).toMatchObject({ notes: `n${i}`, version: 2 });
      }
    }),
  );
  const contacts = await allContacts(site.request);
  expect(contacts.map(({ id }) => id).sort()).toEqual(made.filter((_, i) => i % 3 !== 0).sort());
  expect((await allContacts(site.request, "subtype=customer")).length).toBe(20);
  expect((await site.request("GET", "/crm/organizations")).body.meta.total).toBe(5);
  expect(await differencesOf(site)).toMatchObject({ differences: [] });
});

test("under injected conflicts a replayed key creates once", async () => {
  const send = () =>
    site.request("POST", "/crm/contacts", {
      body: { lastName: "Once" },
      headers: { "Idempotency-Key": "once" },
    });
  const answers = await Promise.all(Array.from({ length: 12 }, send));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
  expect(new Set(answers.map(({ body }) => body.contactId)).size).toBe(1);
});

test("under injected conflicts of two changes for one version exactly one succeeds", async () => {
  const { contactId } = (await site.request("POST", "/crm/contacts", { body: { lastName: "V" } }))
    .body;
  const change = (notes: string) =>
    site.request("PATCH", `/crm/contacts/${contactId}`, {
      body: { notes },
      headers: { "If-Match": '"1"' },
    });
  const statuses = (await Promise.all(["a", "b", "c", "d"].map(change))).map(
    ({ status }) => status,
  );
  expect(statuses.sort()).toEqual([200, 412, 412, 412]);
});

test("under injected conflicts the audit trail is sealed while others write, and nothing is left out", async () => {
  const seal = (): Promise<unknown> => runInternal(site, "action", "audit/sealing:sealAll", {});
  const write = (_: unknown, i: number): Promise<unknown> =>
    site.request("POST", "/crm/contacts", { body: { lastName: `Sealed ${i}` } });
  await Promise.all([...Array.from({ length: 40 }, write), seal(), seal(), seal()]);
  await seal();
  const answer = await site.request("GET", "/audit/verify");
  const exported = await site.request("GET", "/audit/export?format=json");
  const entries = exported.body.data as unknown as { seq: number }[];
  expect(answer.body.data).toMatchObject({ valid: true, entries: entries.length, pending: 0 });
  expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, i) => i + 1));
});
