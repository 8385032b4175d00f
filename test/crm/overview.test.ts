import { expect, test } from "vitest";
import { internal } from "../../convex/_generated/api";
import { sealCursor } from "../../convex/kit/page";
import type { Request } from "../helpers/answer";
import { newBackend, newTenant } from "../helpers/backend";
import { dataOf, newContact } from "./bodies";

type Group = { by: string; value: string; contacts: { id: string }[]; hasMore: boolean };

async function tagsOf(request: Request): Promise<Record<string, number>> {
  const tags = dataOf<{ tag: string; count: number }[]>(await request("GET", "/crm/contacts/tags"));
  return Object.fromEntries(tags.map(({ tag, count }) => [tag, count]));
}

async function groupsOf(request: Request, query = ""): Promise<Group[]> {
  return dataOf<Group[]>(await request("GET", `/crm/contacts/duplicates${query}`));
}

test("tags are counted exactly, folded or not, whatever is written", async () => {
  const { backend, request } = await newBackend();
  const ada = await newContact(request, { firstName: "Ada", tags: ["vip", "Ünï 日"] });
  const bo = await newContact(request, { firstName: "Bo", tags: ["vip"] });
  expect(await tagsOf(request)).toEqual({ vip: 2, "Ünï 日": 1 });
  await backend.mutation(internal.maintenance.foldCounts, {});
  await request("PATCH", `/crm/contacts/${bo}`, { body: { tags: ["new"] } });
  expect(await tagsOf(request)).toEqual({ new: 1, vip: 1, "Ünï 日": 1 });
  await request("DELETE", `/crm/contacts/${ada}`);
  expect(await tagsOf(request)).toEqual({ new: 1 });
  expect(await tagsOf((await newTenant(backend)).request)).toEqual({});
});

test("tags come in pages, each once", async () => {
  const { request } = await newBackend();
  const tags = Array.from({ length: 7 }, (_, i) => `t${i}`);
  await newContact(request, { firstName: "Ada", tags });
  const seen: string[] = [];
  let next: string | null = "";
  while (next !== null) {
    const from: string = next === "" ? "" : `&cursor=${next}`;
    const page = await request("GET", `/crm/contacts/tags?limit=3${from}`);
    seen.push(...dataOf<{ tag: string }[]>(page).map(({ tag }) => tag));
    next = page.body.meta.nextCursor;
  }
  expect(seen).toEqual(tags);
});

test("duplicates are found by mailbox, by name in any order, and by the end of a phone number", async () => {
  const { backend, request } = await newBackend();
  const ids: string[] = [];
  for (const fields of [
    { firstName: "José", lastName: "Núñez", email: "jose@x.test", phone: "+49 171 5550100" },
    { firstName: "Nunez", lastName: "Jose", email: "jose+news@x.test" },
    { firstName: "Other", phone: "0171/555 0100" },
    { firstName: "Alone", email: "alone@x.test", phone: "12" },
    { company: "Acme GmbH" },
    { company: "ACME gmbh" },
  ]) {
    ids.push(await newContact(request, fields));
  }
  const found = (groups: Group[]): unknown =>
    groups.map(({ by, contacts }) => [by, contacts.map(({ id }) => ids.indexOf(id))]);
  expect(found(await groupsOf(request))).toEqual([
    ["email", [0, 1]],
    ["name", [4, 5]],
    ["name", [0, 1]],
    ["phone", [0, 2]],
  ]);
  expect(found(await groupsOf(request, "?by=phone"))).toEqual([["phone", [0, 2]]]);
  await request("PATCH", `/crm/contacts/${ids[2]}`, { body: { phone: null } });
  await request("DELETE", `/crm/contacts/${ids[4]}`);
  expect(found(await groupsOf(request))).toEqual([
    ["email", [0, 1]],
    ["name", [0, 1]],
  ]);
  await request("POST", `/crm/contacts/${ids[0]}/merge`, { body: { sourceId: ids[1] } });
  expect(await groupsOf(request)).toEqual([]);
  expect(await groupsOf((await newTenant(backend)).request)).toEqual([]);
});

test("pages of duplicates have every group once, and of a large group its first twenty", async () => {
  const { request } = await newBackend();
  const items = [
    ...Array.from({ length: 25 }, () => ({ firstName: "Same Name" })),
    ...Array.from({ length: 60 }, (_, i) => ({
      firstName: `Pair ${String(i % 30).padStart(2, "0")}`,
    })),
  ];
  await request("POST", "/crm/contacts/bulk", { body: { items } });
  const values: string[] = [];
  let next: string | null = "";
  while (next !== null) {
    const from: string = next === "" ? "" : `&cursor=${next}`;
    const page = await request("GET", `/crm/contacts/duplicates?limit=7${from}`);
    const groups = dataOf<Group[]>(page);
    expect(groups.length).toBeLessThanOrEqual(7);
    for (const { value, contacts, hasMore } of groups) {
      const isLarge = value === "name same";
      expect([contacts.length, hasMore]).toEqual(isLarge ? [20, true] : [2, false]);
      values.push(value);
    }
    next = page.body.meta.nextCursor;
  }
  expect([values.length, new Set(values).size]).toEqual([31, 31]);
});

test("activity tells what happened to a contact, newest first, in pages", async () => {
  const { backend, request } = await newBackend();
  const registration = { eventId: "e", eventName: "Fair", eventDate: 1 };
  const body = { ...registration, attendeeInfo: { firstName: "Ada", email: "ada@x.test" } };
  const id = (await request("POST", "/crm/contacts/from-event", { body })).body.contactId;
  await request("PATCH", `/crm/contacts/${id}`, { body: { notes: "x", tags: ["y"] } });
  const first = await request("GET", `/crm/contacts/${id}/activity?limit=2`);
  const entries = dataOf<{ type: string; changed: string[]; details: unknown }[]>(first);
  expect(entries).toMatchObject([
    {
      type: "contact.updated",
      changed: ["notes", "tags"],
      actor: { type: "api_key" },
      details: null,
    },
    { type: "contact.registered", changed: [], details: registration },
  ]);
  const cursor = first.body.meta.nextCursor;
  const rest = await request("GET", `/crm/contacts/${id}/activity?limit=2&cursor=${cursor}`);
  expect(dataOf(rest)).toMatchObject([{ type: "contact.created" }]);
  expect(rest.body.meta.nextCursor).toBeNull();
  const foreign = await (await newTenant(backend)).request("GET", `/crm/contacts/${id}/activity`);
  expect(foreign.status).toBe(404);
});

test("a forged cursor of duplicates is refused", async () => {
  const { request } = await newBackend();
  for (const position of ["not JSON", "{}"]) {
    const cursor = sealCursor(JSON.stringify(["duplicates", "crm_contact", null]), position);
    const answer = await request("GET", `/crm/contacts/duplicates?cursor=${cursor}`);
    expect([answer.status, answer.paths]).toEqual([400, ["query.cursor"]]);
  }
});
