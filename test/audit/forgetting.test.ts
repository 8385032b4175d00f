import { afterEach, expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import { type Fixture, newBackend, newTenant } from "../helpers/backend";
import { newContact } from "../crm/bodies";

afterEach(() => {
  vi.useRealTimers();
});

type Verified = { valid: boolean; entries: number; forgotten?: number; anchor: string };

async function verify({ request }: Pick<Fixture, "request">, anchor?: string): Promise<Verified> {
  const answer = await request("GET", `/audit/verify${anchor ? `?anchor=${anchor}` : ""}`);
  expect(answer.status, answer.text).toBe(200);
  return answer.body.data as unknown as Verified;
}

async function seal({ backend }: Fixture): Promise<void> {
  await backend.action(internal.audit.sealing.sealAll, {});
}

async function forget({ backend }: Fixture): Promise<void> {
  await backend.mutation(internal.audit.forgetting.forgetAll, { cursor: null });
  await backend.finishAllScheduledFunctions(vi.runAllTimers);
}

async function years({ backend, organizationId }: Fixture): Promise<Set<number>> {
  const entries = await backend.run(async (ctx) => await ctx.db.query("auditLogs").collect());
  const own = entries.filter((entry) => entry.organizationId === organizationId);
  return new Set(own.map(({ at }) => new Date(at).getUTCFullYear()));
}

test("entries are forgotten ten years after the end of their year, and the chain verifies from there", async () => {
  vi.useFakeTimers({ now: Date.UTC(2016, 2, 5) });
  vi.stubEnv("RATE_LIMIT_FACTOR", "1000");
  const home = await newBackend();
  const { request, backend } = home;
  const other = { ...home, ...(await newTenant(backend)) };
  for (let i = 0; i < 250; i++) await newContact(request, { firstName: `Old ${i}` });
  await seal(home);
  const early = await verify(home);
  vi.setSystemTime(Date.UTC(2017, 0, 2));
  await newContact(request, { firstName: "Younger" });
  await newContact(other.request, { firstName: "Theirs" });
  await seal(home);
  const before = await verify(home);

  vi.setSystemTime(Date.UTC(2026, 11, 31, 12));
  await forget(home);
  expect(await years(home)).toEqual(new Set([2016, 2017]));

  vi.setSystemTime(Date.UTC(2027, 0, 1, 5));
  await forget(home);
  await seal(home);
  expect(await years(home)).toEqual(new Set([2017, 2027]));
  const after = await verify(home);
  expect(after).toMatchObject({ valid: true, forgotten: early.entries });
  expect(after.entries).toBeGreaterThan(before.entries);
  expect((await verify(home, before.anchor)).valid).toBe(true);
  // The link of the last one that went is what was verified then, and stands in the trail itself.
  expect((await verify(home, early.anchor)).valid).toBe(true);
  const told = await request("GET", "/audit?action=audit.forgotten");
  expect(JSON.stringify(told.body.data)).toContain(early.anchor);
  const gone = await request("GET", `/audit/verify?anchor=1:${"0".repeat(64)}`);
  expect([gone.status, gone.paths]).toEqual([400, ["query.anchor"]]);
  expect((await verify(other)).valid).toBe(true);

  // Ten further years: everything of then is gone, and nothing of it is missed.
  await forget(home);
  expect(await verify(home)).toMatchObject({ valid: true, forgotten: early.entries });
  vi.setSystemTime(Date.UTC(2039, 0, 1));
  await forget(home);
  await seal(home);
  expect(await years(home)).toEqual(new Set([2039]));
  expect((await verify(home)).valid).toBe(true);
  // What is deleted by hand is missed.
  await backend.run(async (ctx) => {
    const first = await ctx.db
      .query("auditLogs")
      .withIndex("by_seq", (q) => q.eq("organizationId", home.organizationId).gt("seq", 0))
      .first();
    if (first) await ctx.db.delete("auditLogs", first._id);
  });
  expect((await verify(home)).valid).toBe(false);
});
