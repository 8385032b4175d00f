import type { WithoutSystemFields } from "convex/server";
import { expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import type { AuditContent } from "../../convex/audit/digest";
import type { Doc } from "../../convex/_generated/dataModel";
import { type Fixture, newBackend, newTenant } from "../helpers/backend";

type Entry = Doc<"auditLogs">;
type Verified = {
  valid: boolean | null;
  entries: number;
  pending: number;
  anchor: string;
  brokenAt?: { seq: number; id: string | null; reason: string };
  next: string | null;
};

async function seal({ backend }: Fixture): Promise<void> {
  await backend.action(internal.audit.sealing.sealAll, {});
}

async function verify({ request }: Fixture, query = ""): Promise<Verified> {
  const answer = await request("GET", `/audit/verify${query}`);
  expect(answer.status).toBe(200);
  return answer.body.data as unknown as Verified;
}

async function chained({ backend, organizationId }: Fixture): Promise<Entry[]> {
  return await backend.run(
    async ({ db }) =>
      await db
        .query("auditLogs")
        .withIndex("by_seq", (q) => q.eq("organizationId", organizationId).gt("seq", 0))
        .collect(),
  );
}

function partsOf({ _id, _creationTime, ...content }: Entry): {
  _id: Entry["_id"];
  content: WithoutSystemFields<Entry>;
} {
  return { _id, content };
}

/** As entries were before there was a chain. */
function unsealed(entry: Entry): AuditContent & Pick<Entry, "commitTs"> {
  const { digests: _digests, seq: _seq, hash: _hash, ...content } = partsOf(entry).content;
  return content;
}

/** An organization whose chain has five entries. */
async function newChain(): Promise<Fixture> {
  vi.stubEnv("RATE_LIMIT_FACTOR", "100");
  const home = await newBackend();
  for (const firstName of ["Ada", "Bo", "Cy"]) {
    const body = { firstName, customFields: { größe: "L" } };
    await home.request("POST", "/crm/contacts", { body });
  }
  await seal(home);
  return home;
}

test("entries are linked in the order of their commits, each organization's for itself", async () => {
  const home = await newChain();
  const other = await newTenant(home.backend);
  await other.request("POST", "/crm/contacts", { body: { firstName: "Eve" } });
  await home.request("POST", "/crm/contacts", { body: { firstName: "Di" } });
  expect(await verify(home)).toMatchObject({ valid: true, entries: 5, pending: 1, next: null });
  await seal(home);
  expect(await verify(home)).toMatchObject({ valid: true, entries: 6, pending: 0 });
  expect(await verify({ ...home, ...other })).toMatchObject({ valid: true, entries: 3 });
  const entries = await chained(home);
  expect(entries.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
  const commits = entries.map(({ commitTs }) => BigInt(String(commitTs)));
  expect(commits).toEqual(commits.toSorted((a, b) => (a < b ? -1 : 1)));
});

test("a change of anything that an entry says is found, at that entry", async () => {
  const home = await newChain();
  const [, , entry] = await chained(home);
  if (!entry?.digests || !entry.hash) throw new Error("It is not sealed.");
  const { changes, actor, digests } = entry;
  const other = { changes: "0".repeat(64), origin: "1".repeat(64) };
  const forgeries: Partial<Entry>[] = [
    { at: entry.at - 1 },
    { action: "contact.deleted" },
    { objectType: "project" },
    { objectId: "another" },
    { traceId: "another" },
    { ip: "203.0.113.9" },
    { userAgent: "curl" },
    { deviceId: "phone" },
    { role: "owner" },
    { sessionId: "another" },
    { actor: { ...actor, id: "another" } },
    { actor: { ...actor, type: "system" } },
    { actor: { ...actor, name: "Somebody else" } },
    { changes: changes.slice(1) },
    { changes: changes.toReversed() },
    ...changes.map((change, i) => ({ changes: changes.with(i, { ...change, after: "forged" }) })),
    ...changes.map((change, i) => ({ changes: changes.with(i, { ...change, before: null }) })),
    ...changes.map((change, i) => ({ changes: changes.with(i, { field: change.field }) })),
    { hash: "0".repeat(64) },
    ...(["changes", "origin"] as const).flatMap((part) => [
      { digests: { ...digests, [part]: { ...digests[part], sha256: other[part] } } },
      { digests: { ...digests, [part]: { ...digests[part], salt: "00" } } },
      { digests: { ...digests, [part]: { sha256: digests[part].sha256 } } },
    ]),
  ];
  for (const forgery of forgeries) {
    const { _id, content } = partsOf(entry);
    await home.backend.run(async ({ db }) => {
      await db.patch("auditLogs", _id, forgery);
    });
    const found = await verify(home);
    expect([forgery, found]).toMatchObject([
      forgery,
      { valid: false, entries: 2, brokenAt: { seq: 3, id: _id, reason: "changed" } },
    ]);
    await home.backend.run(async ({ db }) => {
      await db.replace("auditLogs", _id, content);
    });
  }
  expect(await verify(home)).toMatchObject({ valid: true });
});

test("a removal is found, also of the last entries", async () => {
  for (const index of [0, 2, 4]) {
    const home = await newChain();
    const entry = (await chained(home)).at(index);
    if (!entry) throw new Error("There is no such entry.");
    await home.backend.run(async ({ db }) => {
      await db.delete("auditLogs", entry._id);
    });
    const brokenAt = { seq: index + 1, reason: "missing" };
    expect(await verify(home)).toMatchObject({ valid: false, entries: index, brokenAt });
  }
});

test("entries that changed places are found", async () => {
  const home = await newChain();
  const [, second, third] = await chained(home);
  if (!second || !third) throw new Error("There are no such entries.");
  await home.backend.run(async ({ db }) => {
    await db.patch("auditLogs", second._id, { seq: third.seq, hash: third.hash });
    await db.patch("auditLogs", third._id, { seq: second.seq, hash: second.hash });
  });
  expect(await verify(home)).toMatchObject({ valid: false, brokenAt: { seq: 2 } });
});

test("an entry put in between is found, with a place and without one", async () => {
  const home = await newChain();
  const [, entry] = await chained(home);
  if (!entry) throw new Error("There is no such entry.");
  const { content } = partsOf(entry);
  const id = await home.backend.run(async ({ db }) => await db.insert("auditLogs", content));
  expect(await verify(home)).toMatchObject({ valid: false, brokenAt: { reason: "inserted" } });
  await home.backend.run(async ({ db }) => {
    await db.patch("auditLogs", id, { seq: undefined, hash: undefined });
  });
  const brokenAt = { id, reason: "inserted" };
  expect(await verify(home)).toMatchObject({ valid: false, brokenAt });
});

test("entries that were appended without the chain, and an end that was moved back, are found", async () => {
  const home = await newChain();
  const [chain] = await home.backend.run(async ({ db }) => await db.query("auditChains").collect());
  const last = (await chained(home)).at(-1);
  if (!chain || !last) throw new Error("There is no chain.");
  await home.backend.run(async ({ db }) => {
    await db.patch("auditChains", chain._id, { seq: chain.seq - 1 });
  });
  expect(await verify(home)).toMatchObject({ valid: false, brokenAt: { reason: "inserted" } });
  const { content } = partsOf(last);
  const appended = await home.backend.run(async ({ db }) => {
    await db.patch("auditChains", chain._id, { seq: chain.seq });
    return await db.insert("auditLogs", { ...content, seq: chain.seq + 1 });
  });
  const brokenAt = { seq: chain.seq + 1, id: appended };
  expect(await verify(home)).toMatchObject({ valid: false, brokenAt });
});

test("an anchor that was kept elsewhere finds a chain that was made anew", async () => {
  const home = await newChain();
  const { anchor } = await verify(home);
  const [, , third] = await chained(home);
  if (!third) throw new Error("There is no such entry.");
  await home.backend.run(async ({ db }) => {
    await db.patch("auditLogs", third._id, { action: "contact.forged" });
    for (const { _id } of await db.query("auditChains").collect()) {
      await db.delete("auditChains", _id);
    }
    for (const { _id } of await db.query("auditLogs").collect()) {
      await db.patch("auditLogs", _id, { digests: undefined, seq: undefined, hash: undefined });
    }
  });
  await seal(home);
  expect(await verify(home)).toMatchObject({ valid: true, entries: 5 });
  expect(await verify(home, `?anchor=${anchor}`)).toMatchObject({
    valid: false,
    brokenAt: { seq: 5, reason: "rewritten" },
  });
  const [, hash] = anchor.split(":");
  expect(await verify(home, `?anchor=6:${hash}`)).toMatchObject({
    valid: false,
    brokenAt: { reason: "missing" },
  });
  for (const wrong of ["anchor=5", "anchor=5:xyz", "cursor=nonsense"]) {
    const answer = await home.request("GET", `/audit/verify?${wrong}`);
    expect([answer.status, answer.code]).toEqual([400, "VALIDATION_ERROR"]);
  }
});

test("what was changed before it was sealed is found", async () => {
  const home = await newChain();
  const { contactId } = (await home.request("POST", "/crm/contacts", { body: { firstName: "Di" } }))
    .body;
  await home.backend.run(async ({ db }) => {
    const entry = (await db.query("auditLogs").collect()).find(
      ({ objectId }) => objectId === contactId,
    );
    if (entry) await db.patch("auditLogs", entry._id, { action: "contact.updated" });
  });
  await seal(home);
  expect(await verify(home)).toMatchObject({ valid: false, brokenAt: { seq: 6 } });
});

test("entries from before there was a chain are sealed as well", async () => {
  const home = await newChain();
  await home.backend.run(async ({ db }) => {
    for (const entry of await db.query("auditLogs").collect()) {
      await db.replace("auditLogs", entry._id, unsealed(entry));
    }
    for (const { _id } of await db.query("auditChains").collect()) {
      await db.delete("auditChains", _id);
    }
  });
  expect(await verify(home)).toMatchObject({ valid: true, entries: 0, pending: 5 });
  await seal(home);
  expect(await verify(home)).toMatchObject({ valid: true, entries: 5, pending: 0 });
});

test("a long chain is walked in pages, and each goes on where the one before ended", async () => {
  const home = await newChain();
  const [entry] = await chained(home);
  if (!entry) throw new Error("There is no such entry.");
  const content = unsealed(entry);
  await home.backend.run(async ({ db }) => {
    for (let i = 0; i < 600; i++) await db.insert("auditLogs", content);
  });
  await seal(home);
  expect(await verify(home)).toMatchObject({ valid: true, entries: 605, pending: 0, next: null });
  const entries = await chained(home);
  // The last of the first page, the first of the second, and one of the third.
  for (const seq of [250, 251, 600]) {
    const forged = entries[seq - 1];
    if (!forged) throw new Error("There is no such entry.");
    const { _id, action } = forged;
    const say = async (word: string): Promise<void> => {
      await home.backend.run(async ({ db }) => {
        await db.patch("auditLogs", _id, { action: word });
      });
    };
    await say("contact.forged");
    const brokenAt = { seq, id: _id, reason: "changed" };
    expect(await verify(home)).toMatchObject({ valid: false, entries: seq - 1, brokenAt });
    await say(action);
  }
});

test("an erasure blanks what it must, is itself in the trail, and the chain still verifies", async () => {
  vi.useFakeTimers();
  const home = await newChain();
  const { request, backend } = home;
  const person = { firstName: "Zaphod", email: "zaphod@betelgeuse.test" };
  const id = (await request("POST", "/crm/contacts", { body: person })).body.contactId;
  const sync = { ...person, name: "Zaphod", oauthProvider: "google", oauthId: "z" };
  const { firstName: _firstName, ...user } = sync;
  await request("POST", "/auth/sync-user", { body: user });
  await seal(home);
  expect((await request("POST", `/crm/contacts/${id}/erase`)).status).toBe(200);
  await backend.finishAllScheduledFunctions(vi.runAllTimers, 2000);
  await seal(home);
  vi.useRealTimers();
  expect(await verify(home)).toMatchObject({ valid: true, pending: 0 });
  const entries = await chained(home);
  expect(JSON.stringify(entries.map(({ changes }) => changes))).not.toContain("aphod");
  const erasures = entries.filter(({ action }) => action === "audit.erased");
  expect(erasures.map(({ objectType }) => objectType).sort()).toEqual([
    "crm_contact",
    "frontend_user",
  ]);
  expect(erasures[0]).toMatchObject({ actor: { type: "api_key" }, objectId: id });

  const blank = entries.find(
    ({ objectId, action }) => objectId === id && action === "contact.created",
  );
  if (!blank) throw new Error("There is no such entry.");
  expect(blank.digests?.changes.salt).toBeUndefined();
  const forgeries: Partial<Entry>[] = [
    { changes: blank.changes.map(({ field }) => ({ field, after: "forged" })) },
    { changes: [] },
    { actor: { ...blank.actor, name: "Somebody else" } },
    { ip: "203.0.113.9" },
  ];
  for (const forgery of forgeries) {
    const { _id, content } = partsOf(blank);
    await backend.run(async ({ db }) => {
      await db.patch("auditLogs", _id, forgery);
    });
    expect(await verify(home)).toMatchObject({ brokenAt: { id: _id, reason: "changed" } });
    await backend.run(async ({ db }) => {
      await db.replace("auditLogs", _id, content);
    });
  }
});

test("a blank entry that no erasure accounts for is found", async () => {
  const home = await newChain();
  const [, , entry] = await chained(home);
  if (!entry?.digests) throw new Error("It is not sealed.");
  const { digests, changes } = entry;
  await home.backend.run(async ({ db }) => {
    await db.patch("auditLogs", entry._id, {
      changes: changes.map(({ field }) => ({ field })),
      digests: { ...digests, changes: { sha256: digests.changes.sha256 } },
    });
  });
  const brokenAt = { seq: 3, reason: "blank_without_erasure" };
  expect(await verify(home)).toMatchObject({ valid: false, brokenAt });
});
