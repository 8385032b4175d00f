import { expect, test } from "vitest";
import { newBackend, newTenant } from "../helpers/backend";
import { type BulkResult, contactsOf, dataOf, newContact, rowCount } from "./bodies";

test("a bulk write tells of each item what became of it, and one that fails writes nothing", async () => {
  const { backend, request } = await newBackend();
  const known = await newContact(request, { firstName: "Kim", email: "kim@x.test" });
  const taken = await newContact(request, { firstName: "Tom", email: "tom@x.test" });
  const items = [
    { firstName: "New", email: "new@x.test" },
    { email: "kim@x.test", company: "Acme" },
    { id: known, jobTitle: "Lead" },
    { email: "not an address" },
    { id: known, email: "tom@x.test" },
    { id: "missing", notes: "x" },
    { firstName: "Org", email: "org@x.test", organizationInfo: { name: "Acme" } },
    "nonsense",
  ];
  const result = dataOf<BulkResult>(
    await request("POST", "/crm/contacts/bulk", { body: { items } }),
  );
  expect(result.results.map(({ status }) => status)).toEqual([
    "created",
    "updated",
    "updated",
    "error",
    "error",
    "error",
    "created",
    "error",
  ]);
  expect(result).toMatchObject({ created: 2, updated: 2, failed: 4 });
  expect(result.results.map(({ error }) => error?.code ?? null)).toEqual([
    null,
    null,
    null,
    "VALIDATION_ERROR",
    "EMAIL_EXISTS",
    "CONTACT_NOT_FOUND",
    null,
    "VALIDATION_ERROR",
  ]);
  expect(result.results[3]?.error?.details).toEqual([
    {
      path: "body.items.3.email",
      message: expect.stringMatching(/^must be one e-mail address/) as string,
    },
  ]);
  const kim = (await contactsOf(request)).find(({ id }) => id === known);
  expect(kim).toMatchObject({ company: "Acme", jobTitle: "Lead", email: "kim@x.test" });
  // Four objects of contacts and one organization; nothing of what failed.
  expect(await rowCount(backend, "objects")).toBe(5);
  expect(taken).not.toBe(known);
});

test("with atomic, one error means that nothing is written, and details has the whole list", async () => {
  const { backend, request } = await newBackend();
  const items = [{ firstName: "A" }, { email: "bad" }, { firstName: "B" }];
  const answer = await request("POST", "/crm/contacts/bulk", { body: { items, atomic: true } });
  expect([answer.status, answer.code]).toEqual([400, "VALIDATION_ERROR"]);
  const details = answer.body.error.details as unknown as BulkResult["results"];
  expect(details.map(({ index, status }) => [index, status])).toEqual([
    [0, "created"],
    [1, "error"],
    [2, "created"],
  ]);
  expect(await rowCount(backend, "objects")).toBe(0);
  const good = await request("POST", "/crm/contacts/bulk", {
    body: { items: [{ firstName: "A" }, { firstName: "B" }], atomic: true },
  });
  expect(dataOf<BulkResult>(good).created).toBe(2);
});

test("CRM organizations are written in bulk alike", async () => {
  const { request } = await newBackend();
  const items = [{ name: "Acme" }, { name: "" }, { name: "Bolt", tags: ["x"] }];
  const result = dataOf<BulkResult>(
    await request("POST", "/crm/organizations/bulk", { body: { items } }),
  );
  expect(result).toMatchObject({ created: 2, updated: 0, failed: 1 });
  const change = { items: [{ id: result.results[0]?.id, website: "https://acme.test" }] };
  const changed = dataOf<BulkResult>(
    await request("POST", "/crm/organizations/bulk", { body: change }),
  );
  expect(changed).toMatchObject({ updated: 1, failed: 0 });
});

test("200 items are written in one transaction, 201 are refused", async () => {
  const { request } = await newBackend();
  const items = Array.from({ length: 201 }, (_, i) => ({ firstName: "N", email: `n${i}@x.test` }));
  const most = await request("POST", "/crm/contacts/bulk", { body: { items: items.slice(1) } });
  expect(dataOf<BulkResult>(most)).toMatchObject({ created: 200, failed: 0 });
  const tooMany = await request("POST", "/crm/contacts/bulk", { body: { items } });
  expect([tooMany.status, tooMany.paths]).toEqual([400, ["body.items"]]);
  const none = await request("POST", "/crm/contacts/bulk", { body: { items: [] } });
  expect([none.status, none.paths]).toEqual([400, ["body.items"]]);
});

test("an item with the id of another organization's contact is not found", async () => {
  const { backend, request } = await newBackend();
  const foreign = await newContact((await newTenant(backend)).request, { firstName: "Theirs" });
  const body = { items: [{ id: foreign, firstName: "Mine" }] };
  const result = dataOf<BulkResult>(await request("POST", "/crm/contacts/bulk", { body }));
  expect(result.results[0]?.error?.code).toBe("CONTACT_NOT_FOUND");
});
