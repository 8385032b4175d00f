import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Answer, Body } from "../helpers/answer";
import { allContacts, differencesOf, type Site, startSite } from "../helpers/site";

const KILLS = Number(process.env.KILLS ?? 6);
const WRITERS = 6;

let data: string;
let site: Site;

beforeAll(async () => {
  data = await mkdtemp(path.join(tmpdir(), "freehold-kill-"));
});
afterAll(async () => {
  await site.server.kill();
  await rm(data, { recursive: true, force: true });
});

/** What the server has acknowledged of a contact: nothing may be less than this. */
type Acknowledged = { id: string; version: number; notes: string | null; isDeleted: boolean };
const acknowledged = new Map<string, Acknowledged>();
/** Creations whose answer the kill cut off: they are sent again, under the same key. */
const unanswered = new Set<string>();
/** Contacts of which a change or deletion was cut off: it may have happened or not. */
const uncertain = new Set<string>();

async function create(name: string): Promise<Acknowledged | null> {
  const answer = await attempt(() =>
    site.request("POST", "/crm/contacts", {
      body: { lastName: name, organizationInfo: { name: `Organization ${name.slice(-1)}` } },
      headers: { "Idempotency-Key": name },
    }),
  );
  if (!answer) {
    unanswered.add(name);
    return null;
  }
  expect(answer.status, answer.text).toBe(201);
  unanswered.delete(name);
  const contact = { id: answer.body.contactId, version: 1, notes: null, isDeleted: false };
  acknowledged.set(name, contact);
  return contact;
}

async function change(name: string, contact: Acknowledged): Promise<boolean> {
  uncertain.add(name);
  const answer = await attempt(() =>
    site.request("PATCH", `/crm/contacts/${contact.id}`, { body: { notes: name } }),
  );
  if (!answer) return false;
  expect(answer.status, answer.text).toBe(200);
  acknowledged.set(name, { ...contact, version: 2, notes: name });
  uncertain.delete(name);
  return true;
}

async function remove(name: string, contact: Acknowledged): Promise<boolean> {
  uncertain.add(name);
  const answer = await attempt(() => site.request("DELETE", `/crm/contacts/${contact.id}`));
  if (!answer) return false;
  expect(answer.status, answer.text).toBe(204);
  acknowledged.set(name, { ...contact, isDeleted: true });
  uncertain.delete(name);
  return true;
}

/** The answer, or null when the connection broke. */
async function attempt(send: () => Promise<Answer>): Promise<Answer | null> {
  try {
    return await send();
  } catch (error) {
    if (error instanceof TypeError || error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Writes until the connection breaks; `afterEach` is told of each acknowledged creation. */
async function writer(label: string, afterEach: () => void): Promise<void> {
  for (let serial = 0; ; serial++) {
    const name = `${label}-${serial}`;
    const contact = await create(name);
    if (!contact) return;
    afterEach();
    if (serial % 3 === 1 && !(await change(name, contact))) return;
    if (serial % 5 === 4 && !(await remove(name, contact))) return;
  }
}

test(
  `after ${KILLS} kills under load, every acknowledged contact is there exactly once, with all that belongs to it`,
  { timeout: 180_000 },
  async () => {
    for (let round = 0; round < KILLS; round++) {
      site = await startSite({ data });
      for (const name of unanswered) expect(await create(name)).not.toBeNull();
      let left = 3 + ((round * 7) % 23);
      const done = Array.from({ length: WRITERS }, (_, w) =>
        writer(`r${round}-w${w}`, () => {
          left -= 1;
          if (left === 0) void site.server.kill();
        }),
      );
      await Promise.all(done);
      await site.server.exited;
    }

    site = await startSite({ data });
    for (const name of unanswered) await create(name);
    const contacts = await allContacts(site.request);
    const byName = new Map<string, Body[]>();
    for (const contact of contacts) {
      const name = contact.lastName ?? "";
      byName.set(name, [...(byName.get(name) ?? []), contact]);
    }
    expect(acknowledged.size).toBeGreaterThan(KILLS * 3);
    for (const [name, { id, version, notes, isDeleted }] of acknowledged) {
      const found = byName.get(name) ?? [];
      if (isDeleted) expect([name, found]).toEqual([name, []]);
      else if (!uncertain.has(name))
        expect([name, found.map((one) => [one.id, one.version])]).toEqual([name, [[id, version]]]);
      else expect([name, found.length <= 1]).toEqual([name, true]);
      if (notes !== null && !isDeleted && !uncertain.has(name)) {
        expect((await site.request("GET", `/crm/contacts/${id}`)).body.notes).toBe(notes);
      }
    }
    for (const [name, found] of byName) {
      expect([name, found.length]).toEqual([name, 1]);
      expect(acknowledged.has(name)).toBe(true);
    }

    // Counts: `allContacts` compares each total with the rows; the organizations' are counts of their own.
    for (const kind of [
      "subtype=lead",
      "status=active",
      "source=api",
      "subtype=lead&status=active",
    ]) {
      expect((await allContacts(site.request, kind)).length).toBe(contacts.length);
    }
    const organizations = (await site.request("GET", "/crm/organizations?limit=200")).body;
    expect(organizations.meta.total).toBe(organizations.data.length);
    expect(new Set(organizations.data.map(({ name }) => name)).size).toBe(
      organizations.data.length,
    );
    let members = 0;
    for (const { id } of organizations.data) {
      const own = await allContacts(site.request, `crmOrganizationId=${id}`);
      members += own.length;
    }
    expect(members).toBe(contacts.length);

    const { checked, differences } = await differencesOf(site);
    expect(differences).toEqual([]);
    expect(checked).toBeGreaterThanOrEqual(acknowledged.size);
  },
);
