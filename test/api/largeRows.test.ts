import { expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import type { Request } from "../helpers/answer";
import { type Fixture, newBackend } from "../helpers/backend";
import { newDevice } from "../sync/devices";
import { newContact } from "../crm/bodies";

/**
 * Convex lets a transaction read 16 MiB. Of rows as large as they may be that is a handful: a page
 * ends before it is full, and whoever goes on with its cursor loses none and meets none twice.
 */
const ROWS = 26;
const LARGE = "x".repeat(700_000);

async function projects({ request, backend }: Fixture): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < ROWS; i++) {
    const body = { subtype: "other", name: `Site ${i}` };
    const { id } = (await request("POST", "/projects", { body })).body.data;
    if (i % 3 === 0) await request("POST", `/projects/${id}/archive`);
    const objectId = id as Id<"objects">;
    await backend.run(async (ctx) => {
      await ctx.db.patch("objects", objectId, { description: LARGE });
    });
    ids.push(id);
  }
  return ids.sort();
}

type Listed = { id: string };

/** All rows of a list, page by page, and how many the first page had. */
async function listed(request: Request, path: string): Promise<{ ids: string[]; first: number }> {
  const ids: string[] = [];
  let first = 0;
  let cursor: string | null = null;
  do {
    const after: string = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const answer = await request(
      "GET",
      `${path}${path.includes("?") ? "&" : "?"}limit=200${after}`,
    );
    expect(answer.status, answer.text.slice(0, 300)).toBe(200);
    const rows = answer.body.data as unknown as Listed[];
    first ||= rows.length;
    ids.push(...rows.map(({ id }) => id));
    cursor = answer.body.meta.nextCursor ?? null;
  } while (cursor !== null);
  return { ids, first };
}

test("lists of large rows, by every way to page them, hand out each row once", async () => {
  const fixture = await newBackend({ transactionLimits: true });
  const ids = await projects(fixture);
  const { request } = fixture;
  for (const query of ["sort=createdAt", "sort=-name", "sort=-updatedAt"]) {
    const all = await listed(request, `/projects?includeArchived=true&${query}`);
    expect(all.ids.sort(), query).toEqual(ids);
    expect(all.first, query).toBeLessThan(ROWS);
  }
  const living = await listed(request, "/projects");
  expect(new Set(living.ids).size).toBe(living.ids.length);
  expect(living.ids).toHaveLength(ROWS - 9);
  const refused = await request("GET", "/projects?offset=15&limit=5&includeArchived=true");
  expect([refused.status, refused.paths]).toEqual([400, ["query.offset"]]);
  const atOnce = await request("GET", `/projects?includeArchived=true&ids=${ids.join(",")}`);
  expect([atOnce.status, atOnce.paths]).toEqual([400, ["query.ids"]]);
  const device = await newDevice(fixture);
  const pulled: string[] = [];
  let from = "";
  for (let hasMore = true; hasMore;) {
    const page = await device.pull(`?limit=200${from}`);
    expect(page.changes.length).toBeLessThan(ROWS);
    pulled.push(...page.changes.map(({ id }) => id));
    ({ hasMore } = page);
    from = `&cursor=${encodeURIComponent(page.nextCursor)}`;
  }
  expect(pulled.sort()).toEqual(ids);
});

/** Entries of the trail and events of a contact, as large as rows may be. */
async function largeHistory({ request, backend }: Fixture): Promise<string> {
  const contact = await newContact(request, { firstName: "Ada", email: "ada@x.test" });
  for (let i = 0; i < ROWS; i++) {
    await backend.run(async (ctx) => {
      const [entry, event] = [
        await ctx.db.query("auditLogs").order("desc").first(),
        await ctx.db.query("events").order("desc").first(),
      ];
      if (!entry || !event) throw new Error("nothing has happened");
      const { _id: _entry, _creationTime: _at, ...audited } = entry;
      const { _id: _event, _creationTime: _then, ...happened } = event;
      const changes = [{ field: "notes", after: LARGE }];
      await ctx.db.insert("auditLogs", { ...audited, changes, commitTs: ctx.db.vars.commitTs });
      const commitTs = ctx.db.vars.commitTs;
      await ctx.db.insert("events", { ...happened, data: { notes: LARGE }, commitTs });
    });
  }
  return contact;
}

test("the audit trail, its exports and an object's activity hand out each large entry once", async () => {
  const fixture = await newBackend({ transactionLimits: true });
  const { request } = fixture;
  const contact = await largeHistory(fixture);
  const audit = await listed(request, "/audit");
  expect(new Set(audit.ids).size).toBe(audit.ids.length);
  expect(audit.ids.length).toBeGreaterThan(ROWS);
  expect(audit.first).toBeLessThan(ROWS);
  const activity = await listed(request, `/crm/contacts/${contact}/activity`);
  expect(new Set(activity.ids).size).toBe(activity.ids.length);
  expect(activity.ids.length).toBe(ROWS + 1);
  const exported: string[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const file = await request("GET", `/audit/export?format=json${cursor}`);
    const { data, meta } = JSON.parse(file.text) as {
      data: Listed[];
      meta: { nextCursor: string | null };
    };
    exported.push(...data.map(({ id }) => id));
    cursor = meta.nextCursor === null ? null : `&cursor=${encodeURIComponent(meta.nextCursor)}`;
  }
  expect(exported.sort()).toEqual(audit.ids.sort());
});

test("erasing a person whose history is large, and forgetting it in time, come to their end", async () => {
  vi.useFakeTimers({ now: Date.now() });
  const fixture = await newBackend({ transactionLimits: true });
  const { request, backend } = fixture;
  const contact = await largeHistory(fixture);
  expect((await request("POST", `/crm/contacts/${contact}/erase`)).status).toBe(200);
  await backend.finishAllScheduledFunctions(vi.runAllTimers);
  const erasure = await backend.run(async (ctx) => await ctx.db.query("erasures").first());
  expect(erasure?.status).toBe("completed");
  const left = await backend.run(async (ctx) => {
    const events = await ctx.db.query("events").collect();
    return events.filter(({ data }) => "notes" in (data as object)).length;
  });
  expect(left).toBe(0);

  await largeHistory(fixture);
  vi.setSystemTime(Date.now() + 91 * 24 * 60 * 60 * 1000);
  await backend.mutation(internal.maintenance.cleanUp, {});
  await backend.finishAllScheduledFunctions(vi.runAllTimers);
  expect(await backend.run(async (ctx) => await ctx.db.query("events").first())).toBeNull();
  vi.useRealTimers();
});
