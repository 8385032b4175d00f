import { expect, test } from "vitest";
import { internal } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { placeOf } from "../../convex/ontology/commitOrder";
import { checkObjects, newFindings } from "../../convex/ontology/integrity";
import { type Fixture, newBackend } from "../helpers/backend";
import { created, invoice, shown } from "./books";

type Differences = { of: string; what: string }[];

async function differencesOf({ request }: Fixture): Promise<Differences> {
  const { data } = (await request("GET", "/integrity")).body;
  return (data as unknown as { differences: Differences }).differences;
}

/** A paid invoice, and a look at what a damage done behind the store's back is found as. */
async function damaged(
  damage: (id: Id<"objects">, fixture: Fixture) => Promise<void>,
): Promise<{ id: string; found: Differences; fixture: Fixture }> {
  const fixture = await newBackend();
  const { request } = fixture;
  const contact = await request("POST", "/crm/contacts", { body: { email: "a@x.test" } });
  const body = invoice({ billTo: { contactId: contact.body.contactId } });
  const { id } = created(await request("POST", "/invoices", { body }));
  shown(await request("POST", `/invoices/${id}/send`));
  const payment = { paymentMethod: "cash", amountInCents: 100 };
  shown(await request("POST", `/invoices/${id}/pay`, { body: payment }));
  expect(await differencesOf(fixture)).toEqual([]);
  await damage(id as Id<"objects">, fixture);
  return { id, found: await differencesOf(fixture), fixture };
}

test("a total that does not follow from its lines is found", async () => {
  const { id, found } = await damaged(async (invoiceId, { backend }) => {
    await backend.run(async (ctx) => {
      const stored = await ctx.db.get("objects", invoiceId);
      if (stored?.type !== "invoice") throw new Error("No invoice.");
      const customProperties = { ...stored.customProperties, totalAmountInCents: 11_901 };
      await ctx.db.patch("objects", invoiceId, { customProperties });
    });
  });
  expect(found).toContainEqual({ of: id, what: "totalAmountInCents should be 11900, is 11901" });
  expect(found).toContainEqual({ of: id, what: "amountDueInCents should be 11801, is 11800" });
});

test("a payment that the invoice does not know of is found", async () => {
  const { id, found } = await damaged(async (_id, { backend }) => {
    await backend.run(async (ctx) => {
      const payment = await ctx.db.query("objects").collect();
      const [one] = payment.filter(({ type }) => type === "payment");
      if (one?.type !== "payment") throw new Error("No payment.");
      const customProperties = { ...one.customProperties, amountInCents: 99 };
      await ctx.db.patch("objects", one._id, { customProperties });
    });
  });
  expect(found).toContainEqual({ of: id, what: "amountPaidInCents should be 99, is 100" });
  expect(found.map(({ of }) => of)).toContain(`sales ${new Date().toISOString().slice(0, 7)}`);
});

test("a lost count or sum, a lost link and a missing number are found", async () => {
  const { id, found } = await damaged(async (invoiceId, { backend, organizationId }) => {
    await backend.run(async (ctx) => {
      const [delta] = await ctx.db
        .query("countDeltas")
        .withIndex("by_group", (q) => q.eq("organizationId", organizationId).eq("group", "due"))
        .collect();
      if (delta) await ctx.db.delete("countDeltas", delta._id);
      const [link] = await ctx.db
        .query("objectLinks")
        .withIndex("by_from", (q) => q.eq("organizationId", organizationId).eq("from", invoiceId))
        .collect();
      if (link) await ctx.db.delete("objectLinks", link._id);
      const serial = await ctx.db.query("serials").first();
      if (serial) await ctx.db.patch("serials", serial._id, { last: 3 });
    });
  });
  const where = found.map(({ of }) => of);
  expect(where).toEqual([id, "due 2026-02", "INV-2026-01", "INV-2026-01"]);
  expect(found.at(-1)?.what).toContain("INV-2026-01-003");
});

test("a number that was given in another case is the number, in the series and for the check", async () => {
  const fixture = await newBackend();
  const { request } = fixture;
  const named = async (invoiceNumber?: string): Promise<string> => {
    const body = invoice(invoiceNumber === undefined ? {} : { invoiceNumber });
    return created(await request("POST", "/invoices", { body })).name;
  };
  expect(await named("inv-2026-01-001")).toBe("inv-2026-01-001");
  expect(await named()).toBe("INV-2026-01-002");
  // Not the next: the series passes over it when it comes there.
  expect(await named("Inv-2026-01-004")).toBe("Inv-2026-01-004");
  expect([await named(), await named()]).toEqual(["INV-2026-01-003", "INV-2026-01-005"]);
  expect(await differencesOf(fixture)).toEqual([]);
});

test("the job finds the same, and its findings are shown", async () => {
  const { found, fixture } = await damaged(async (invoiceId, { backend }) => {
    await backend.run(async (ctx) => {
      await ctx.db.patch("objects", invoiceId, { dueAt: 5 });
    });
  });
  const { backend, organizationId, request } = fixture;
  expect(found).toHaveLength(1);
  expect(await backend.action(internal.integrityJobs.check, { organizationId })).toEqual({
    found: 1,
  });
  const { lastRun } = (await request("GET", "/integrity")).body.data as unknown as {
    lastRun: unknown;
  };
  expect(lastRun).toMatchObject({ found: 1, differences: found, comparedCounts: true });
});

test("a page goes on within a large commit without reading what it has passed", async () => {
  const { backend, organizationId, request } = await newBackend();
  const items = Array.from({ length: 60 }, (_, i) => ({
    firstName: `P${i}`,
    email: `p${i}@x.test`,
  }));
  await request("POST", "/crm/contacts/bulk", { body: { items } });
  const { checked, read } = await backend.run(async (ctx) => {
    const inOrder = await ctx.db
      .query("objects")
      .withIndex("by_commit", (q) => q.eq("organizationId", organizationId))
      .collect();
    const passed = inOrder.at(-4);
    if (!passed) throw new Error("No contacts.");
    const before = (await ctx.meta.getTransactionMetrics()).documentsRead.used;
    const findings = newFindings();
    expect(await checkObjects(ctx, organizationId, placeOf(passed), findings)).toBeNull();
    const after = (await ctx.meta.getTransactionMetrics()).documentsRead.used;
    return { checked: findings.checked, read: after - before };
  });
  expect(checked).toBe(3);
  expect(read).toBeLessThan(10);
});

test("another tenant's books are not looked at, and the scope is needed", async () => {
  const { request } = await newBackend();
  expect((await request("GET", "/integrity?cursor=x")).paths).toEqual(["query.cursor"]);
  expect((await request("GET", "/integrity", { token: null })).status).toBe(401);
});
