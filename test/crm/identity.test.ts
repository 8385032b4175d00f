import { describe, expect, test } from "vitest";
import type { Id } from "../../convex/_generated/dataModel";
import { type Fixture, newBackend } from "../helpers/backend";
import { type Contact, dataOf, importFile, type Merged, newContact } from "./bodies";

type Found = { contacts: { id: string }[]; total: number };

async function search(
  { request }: Fixture,
  text: string,
  path = "/crm/contacts",
): Promise<string[]> {
  const answer = await request("GET", `${path}?search=${encodeURIComponent(text)}`);
  const { contacts } = answer.body as unknown as Partial<Found>;
  const rows = contacts ?? dataOf<{ id: string }[]>(answer);
  return rows.map(({ id }) => id);
}

async function contact({ request }: Fixture, id: string): Promise<Contact> {
  return (await request("GET", `/crm/contacts/${id}`)).body as unknown as Contact;
}

async function inCountry(country: string | null): Promise<Fixture> {
  const fixture = await newBackend();
  const address = country === null ? null : { country };
  await fixture.request("PATCH", "/organization", { body: { address } });
  return fixture;
}

async function groups({ request }: Fixture, by: string): Promise<[string, string[]][]> {
  const answer = await request("GET", `/crm/contacts/duplicates?by=${by}`);
  return dataOf<{ value: string; contacts: { id: string }[] }[]>(answer).map((group) => [
    group.value,
    group.contacts.map(({ id }) => id),
  ]);
}

type Report = { created: number; updated: number; failed: number };

async function imported(
  { request }: Fixture,
  text: string,
  { type = "text/vcard", dryRun = false } = {},
): Promise<Report> {
  const answer = await importFile(request, text, { type, query: dryRun ? "?dryRun=true" : "" });
  const { created, updated, failed } = dataOf<Report>(answer);
  return { created, updated, failed };
}

function card(fields: Record<string, string>): string {
  const lines = Object.entries(fields).map(([name, value]) => `${name}:${value}`);
  return ["BEGIN:VCARD", "VERSION:3.0", ...lines, "END:VCARD", ""].join("\r\n");
}

const SPELLINGS = [
  "0171 123 45 67",
  "+49 (0)171/1234567",
  "0049 171 1234567",
  "tel:+491711234567",
  "01711234567",
];

describe("a phone number", () => {
  test.each(["DE", "Deutschland", null])(
    "finds in every spelling, and makes duplicates, in an organization in %s",
    async (country) => {
      const fixture = await inCountry(country);
      const ids: string[] = [];
      for (const [i, phone] of SPELLINGS.entries()) {
        ids.push(await newContact(fixture.request, { firstName: `No${i}`, phone }));
      }
      await newContact(fixture.request, { firstName: "Other", phone: "0172 7654321" });
      for (const spelling of SPELLINGS) {
        expect([spelling, (await search(fixture, spelling)).sort()]).toEqual([
          spelling,
          [...ids].sort(),
        ]);
      }
      const key = country === null ? "711234567" : "+491711234567";
      expect(await groups(fixture, "phone")).toEqual([[key, ids]]);
      expect((await contact(fixture, ids[1] ?? "")).phone).toBe("+49 (0)171/1234567");
    },
  );

  test("of a CRM organization finds it", async () => {
    const fixture = await inCountry("DE");
    const body = { name: "Acme", phone: "030 / 123 456" };
    const made = await fixture.request("POST", "/crm/organizations", { body });
    const { id } = dataOf<{ id: string }>(made);
    expect(await search(fixture, "+49 30 123456", "/crm/organizations")).toEqual([id]);
  });

  test("among the others of a contact finds it, and makes duplicates", async () => {
    const fixture = await inCountry("DE");
    const customFields = { otherPhones: ["0171 1234567"], otherEmails: ["second@x.test"] };
    const one = await newContact(fixture.request, { firstName: "Ada", customFields });
    const two = await newContact(fixture.request, { firstName: "Ida", phone: "+49 171 1234567" });
    const three = await newContact(fixture.request, { firstName: "Eva", email: "second@x.test" });
    expect((await search(fixture, "0049 171 1234567")).sort()).toEqual([one, two].sort());
    expect(await groups(fixture, "phone")).toEqual([["+491711234567", [one, two]]]);
    expect(await groups(fixture, "email")).toEqual([["second@x.test", [one, three]]]);
  });
});

test("an address in another script finds in both of its spellings", async () => {
  const fixture = await newBackend();
  const one = await newContact(fixture.request, { firstName: "Ada", email: "ada@bücher.example" });
  const two = await newContact(fixture.request, {
    firstName: "Ida",
    email: "ida@xn--bcher-kva.example",
  });
  expect((await search(fixture, "ada@xn--bcher-kva.example"))[0]).toBe(one);
  expect(await search(fixture, "ida@bücher.example")).toContain(two);
});

describe("the same vCard again", () => {
  const ida = { UID: "urn:uuid:1", N: "Gruber;Ida;;;", FN: "Ida Gruber", TEL: "+49 170 0000001" };

  test("is the same person, by its UID", async () => {
    const fixture = await inCountry("DE");
    expect(await imported(fixture, card(ida))).toMatchObject({ created: 1 });
    const renamed = { ...ida, UID: "1", N: "Kern;Ida;;;", FN: "Ida Kern", TEL: "+49 170 9" };
    expect(await imported(fixture, card(renamed))).toMatchObject({ created: 0, updated: 1 });
    const [id = "", ...others] = await search(fixture, "Kern");
    expect([others, (await contact(fixture, id)).phone]).toEqual([[], "+49 170 9"]);
  });

  test("without UID is the same person, by phone and name, in whatever spelling", async () => {
    const fixture = await inCountry("DE");
    const { UID: _uid, ...plain } = ida;
    await imported(fixture, card(plain));
    const again = { ...plain, N: "gruber;Ida;;;", FN: "Ida gruber", TEL: "0170/0000001" };
    expect(await imported(fixture, card(again))).toMatchObject({ created: 0, updated: 1 });
    const other = { ...plain, N: "Gruber;Ben;;;", FN: "Ben Gruber" };
    expect(await imported(fixture, card(other))).toMatchObject({ created: 1, updated: 0 });
  });

  test("with another e-mail is somebody else, though phone and name are the same", async () => {
    const fixture = await inCountry("DE");
    const { UID: _uid, ...plain } = ida;
    await imported(fixture, card({ ...plain, EMAIL: "ida@x.test" }));
    const other = { ...plain, EMAIL: "ida@y.test" };
    expect(await imported(fixture, card(other))).toMatchObject({ created: 1, updated: 0 });
    expect(await imported(fixture, card(plain))).toMatchObject({ created: 0, updated: 1 });
  });

  test("the e-mail decides before the UID", async () => {
    const fixture = await inCountry("DE");
    await imported(fixture, card({ ...ida, EMAIL: "ida@x.test" }));
    const eva = await newContact(fixture.request, { firstName: "Eva", email: "eva@x.test" });
    await imported(fixture, card({ ...ida, EMAIL: "eva@x.test" }));
    expect((await contact(fixture, eva)).lastName).toBe("Gruber");
  });

  test("of two contacts that have its UID, the name tells, so that it makes one more person at most", async () => {
    const fixture = await inCountry("DE");
    const { UID: sourceRef } = ida;
    for (const firstName of ["Ada", "Eva"]) {
      await newContact(fixture.request, { firstName, sourceRef });
    }
    expect(await imported(fixture, card(ida))).toMatchObject({ created: 1, updated: 0 });
    expect(await imported(fixture, card(ida))).toMatchObject({ created: 0, updated: 1 });
  });

  test("a card leaves where a contact came from, and the e-mail that it had", async () => {
    const fixture = await inCountry("DE");
    const order = { email: "es@x.test", source: "checkout", sourceRef: "order-7" };
    const bought = await newContact(fixture.request, order);
    await imported(fixture, card({ UID: "es", FN: "Es X", EMAIL: "es@x.test" }));
    expect(await contact(fixture, bought)).toMatchObject({ firstName: "Es", sourceRef: "order-7" });

    await imported(fixture, card({ UID: "dr", FN: "Dr X", EMAIL: "old@x.test" }));
    await imported(fixture, card({ UID: "d\u200br", FN: "Dr X", EMAIL: "new@x.test" }));
    const [moved = "", ...others] = await search(fixture, "old@x.test");
    expect(others).toEqual([]);
    expect(await contact(fixture, moved)).toMatchObject({
      email: "new@x.test",
      customFields: { otherEmails: ["old@x.test"] },
    });
  });

  test("a row of a CSV file without e-mail is known by phone and name, and not by its sourceRef", async () => {
    const fixture = await inCountry("DE");
    const csv = (rows: string): string => `firstName,phone,sourceRef\n${rows}`;
    const options = { type: "text/csv" };
    expect(
      await imported(fixture, csv("Ida,0170 0000001,fair\nBen,0170 0000002,fair\n"), options),
    ).toEqual({ created: 2, updated: 0, failed: 0 });
    expect(await imported(fixture, csv("Ida,+49 170 0000001,fair\n"), options)).toEqual({
      ...{ created: 0, updated: 1, failed: 0 },
    });
  });

  test("a dry run tells the same as the import", async () => {
    const cards = [
      ida,
      { ...ida, FN: "Ida Kern", N: "Kern;Ida;;;" },
      { FN: "Ben B", TEL: "0170 2" + "000000" },
      { FN: "ben b", TEL: "+49 170 2000000", EMAIL: "ben@x.test" },
      { FN: "Ben B", TEL: "+49 170 2000000", EMAIL: "ben@y.test" },
      { FN: "Ben B", TEL: "+49 170 2000000" },
      { FN: "Eva E", EMAIL: "ben@y.test" },
    ];
    // Of several groups, each of which is written in a transaction of its own.
    const filler = Array.from({ length: 12 }, (_, i) => ({ FN: `Filler ${i}` }));
    const text = cards.map((fields) => [fields, ...filler].map(card).join("")).join("");
    const fixture = await inCountry("DE");
    const rehearsed = await imported(fixture, text, { dryRun: true });
    expect(rehearsed).toMatchObject({ updated: 4 });
    expect(await imported(fixture, text)).toEqual(rehearsed);
  });
});

describe("a merged contact", () => {
  async function mergedPair(country: string | null = "DE"): Promise<{
    fixture: Fixture;
    target: string;
    source: string;
    merge: Merged["merge"];
  }> {
    const fixture = await inCountry(country);
    const target = await newContact(fixture.request, {
      ...{ firstName: "Ida", lastName: "Kern", email: "new@x.test", phone: "0171 1" + "000000" },
    });
    const source = await newContact(fixture.request, {
      ...{ firstName: "Ida", lastName: "Gruber", email: "old@x.test", phone: "0172 2000000" },
      sourceRef: "urn:uuid:old",
    });
    const path = `/crm/contacts/${target}/merge`;
    const answer = await fixture.request("POST", path, { body: { sourceId: source } });
    return { fixture, target, source, merge: dataOf<Merged>(answer).merge };
  }

  async function signedIn({ request, backend }: Fixture, email: string): Promise<unknown> {
    const body = { email, name: "Ida", oauthProvider: "google", oauthId: email };
    const user = await request("POST", "/auth/sync-user", { body });
    const id = (user.body as unknown as { _id: Id<"objects"> })._id;
    const object = await backend.run(async (ctx) => await ctx.db.get("objects", id));
    return (object?.customProperties as { crmContactId?: string }).crmContactId;
  }

  test("is found by the other's e-mail, whichever way it comes in, and keeps its own", async () => {
    const { fixture, target } = await mergedPair();
    const { request } = fixture;
    const email = "OLD@x.test";
    const posted = await request("POST", "/crm/contacts", { body: { email, jobTitle: "CTO" } });
    expect([posted.status, posted.body.contactId]).toEqual([200, target]);
    const registration = { eventId: "e", eventName: "E", eventDate: 1, attendeeInfo: { email } };
    const registered = await request("POST", "/crm/contacts/from-event", { body: registration });
    expect(registered.body.contactId).toBe(target);
    const csv = `email,company\n${email},Acme\n`;
    expect(await imported(fixture, csv, { type: "text/csv" })).toMatchObject({ updated: 1 });
    const bulk = await request("POST", "/crm/contacts/bulk", { body: { items: [{ email }] } });
    expect(JSON.stringify(bulk.body)).toContain(target);
    expect(await search(fixture, "old@x.test")).toEqual([target]);
    const listed = await request("GET", `/crm/contacts?email=${email}`);
    expect(listed.body).toMatchObject({ total: 1, contacts: [{ id: target }] });
    expect(await contact(fixture, target)).toMatchObject({
      ...{ email: "new@x.test", jobTitle: "CTO", company: "Acme" },
      customFields: { otherEmails: ["old@x.test"], otherPhones: ["0172 2000000"] },
    });
  });

  test("is found by the other's card, and by its phone and name", async () => {
    const { fixture, target } = await mergedPair();
    const byCard = card({ UID: "old", FN: "I G", NOTE: "by card" });
    expect(await imported(fixture, byCard)).toMatchObject({ created: 0, updated: 1 });
    expect(await contact(fixture, target)).toMatchObject({ notes: "by card" });
    const byPhone = card({ FN: "Ida Gruber", TEL: "+49 172 2000000", NOTE: "by phone" });
    await fixture.request("PATCH", `/crm/contacts/${target}`, { body: { lastName: "Kern" } });
    expect(await imported(fixture, byPhone)).toMatchObject({ created: 0, updated: 1 });
    expect(await contact(fixture, target)).toMatchObject({
      notes: "by phone",
      phone: "0171 1000000",
    });
    expect(await search(fixture, "+49 172 2000000")).toEqual([target]);
  });

  test("is whom a portal user with the other's e-mail is; an address that a form names is not", async () => {
    const { fixture, target } = await mergedPair();
    expect(await signedIn(fixture, "old@x.test")).toBe(target);
    const customFields = { otherEmails: ["stranger@x.test"] };
    const body = { email: "new@x.test", customFields };
    expect((await fixture.request("POST", "/crm/contacts", { body })).body.contactId).toBe(target);
    expect((await contact(fixture, target)).customFields).toMatchObject({
      otherEmails: ["old@x.test", "stranger@x.test"],
    });
    expect(await signedIn(fixture, "stranger@x.test")).toBeUndefined();
  });

  test("stays with a contact that is merged on", async () => {
    const { fixture, target } = await mergedPair();
    const last = await newContact(fixture.request, { firstName: "I", email: "last@x.test" });
    const path = `/crm/contacts/${last}/merge`;
    await fixture.request("POST", path, { body: { sourceId: target } });
    for (const email of ["old@x.test", "new@x.test"]) {
      const posted = await fixture.request("POST", "/crm/contacts", { body: { email } });
      expect(posted.body.contactId).toBe(last);
    }
    expect((await contact(fixture, last)).customFields).toMatchObject({
      otherEmails: ["old@x.test", "new@x.test"],
    });
  });

  test("gives the e-mail back with the undo, also when its lists have changed since", async () => {
    const { fixture, target, source, merge } = await mergedPair();
    const { request } = fixture;
    expect(await signedIn(fixture, "old@x.test")).toBe(target);
    const third = await newContact(request, { firstName: "Third", email: "third@x.test" });
    await request("POST", `/crm/contacts/${target}/merge`, { body: { sourceId: third } });
    await request("POST", `/crm/contacts/merges/${merge.id}/undo`);
    expect((await contact(fixture, target)).customFields).toEqual({
      otherEmails: ["third@x.test"],
    });
    const posted = async (email: string): Promise<unknown> =>
      (await request("POST", "/crm/contacts", { body: { email } })).body.contactId;
    expect([await posted("old@x.test"), await posted("third@x.test")]).toEqual([source, target]);
    expect(await search(fixture, "0172 2000000")).toEqual([source]);
    expect(await signedIn(fixture, "old@x.test")).toBe(source);
    const byCard = card({ UID: "urn:uuid:old", FN: "I G", NOTE: "again" });
    await imported(fixture, byCard);
    expect((await contact(fixture, source)).notes).toBe("again");
  });

  test("is not known by an e-mail that somebody took out of its list, which is another's then", async () => {
    const { fixture, target } = await mergedPair();
    const { request } = fixture;
    await request("PATCH", `/crm/contacts/${target}`, { body: { customFields: {} } });
    const posted = await request("POST", "/crm/contacts", { body: { email: "old@x.test" } });
    expect(posted.status).toBe(201);
  });

  test("lets another contact have the e-mail as its own, who is then found by it", async () => {
    const { fixture, target } = await mergedPair();
    const { request } = fixture;
    const other = await newContact(request, { firstName: "Ivy" });
    const patched = await request("PATCH", `/crm/contacts/${other}`, {
      body: { email: "old@x.test" },
    });
    expect(patched.status).toBe(200);
    const posted = await request("POST", "/crm/contacts", { body: { email: "old@x.test" } });
    expect(posted.body.contactId).toBe(other);
    expect(await groups(fixture, "email")).toEqual([["old@x.test", [target, other]]]);
  });

  test("is whom a device means that creates a contact with the other's e-mail", async () => {
    const { fixture, target } = await mergedPair();
    const session = fixture.request;
    await session("POST", "/devices", {
      body: { deviceId: "d1", name: "Phone", platform: "ios", appVersion: "1" },
    });
    const change = {
      ...{ changeId: "c1", op: "upsert", type: "crm_contact" },
      clientId: "6f1f3c3e-0d5b-4b0e-9d0a-2f6f3a1b2c3d",
      clientUpdatedAt: Date.now(),
      data: { subtype: "lead", customProperties: { email: "old@x.test", firstName: "Ida" } },
    };
    const body = { deviceId: "d1", changes: [change] };
    const pushed = await session("POST", "/sync/push", { body });
    const { results } = dataOf<{ results: { id: string }[] }>(pushed);
    expect(results[0]?.id).toBe(target);
    expect((await contact(fixture, target)).email).toBe("new@x.test");
  });
});
