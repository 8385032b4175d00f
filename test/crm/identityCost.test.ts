import { expect, test } from "vitest";
import type { MutationCtx } from "../../convex/_generated/server";
import { changeContact, saveContact } from "../../convex/ontology/contactRules";
import { listObjects, listRequest } from "../../convex/ontology/list";
import { ObjectStore } from "../../convex/ontology/store";
import { newBackend } from "../helpers/backend";

/** What a transaction reads and writes. */
type Cost = { ranges: number; read: number; written: number };

async function costOf(ctx: Pick<MutationCtx, "meta">, work: () => Promise<unknown>): Promise<Cost> {
  const before = await ctx.meta.getTransactionMetrics();
  await work();
  const after = await ctx.meta.getTransactionMetrics();
  const used = (figure: "databaseQueries" | "documentsRead" | "documentsWritten"): number =>
    after[figure].used - before[figure].used;
  return {
    ranges: used("databaseQueries"),
    read: used("documentsRead"),
    written: used("documentsWritten"),
  };
}

const PERSON = { firstName: "Ada", lastName: "Lovelace", email: "ada@x.test" };

/** As before phones had E.164 keys, and merged addresses found a contact. */
test("a contact is created, changed and searched for with the reads and writes that there are", async () => {
  const { backend, organizationId } = await newBackend();
  const actor = { type: "system" as const, id: "test", name: "Test" };
  const scope = { organizationId, actor, traceId: "test", ip: null, userAgent: null };
  const costs = await backend.mutation(async (ctx) => {
    const organization = await ctx.db.get("organizations", organizationId);
    const store = new ObjectStore(ctx, scope, organization);
    const create = await costOf(ctx, async () => await saveContact(store, PERSON, undefined));
    const phone = { ...PERSON, email: "ida@x.test", phone: "+49 171 5550100" };
    const createWithPhone = await costOf(
      ctx,
      async () => await saveContact(store, phone, undefined),
    );
    const again = await costOf(ctx, async () => await saveContact(store, PERSON, undefined));
    const contact = await store.findByKey("crm_contact", "ida@x.test");
    if (!contact) throw new Error("The contact is missing.");
    const patch = await costOf(
      ctx,
      async () => await changeContact(store, contact, { notes: "x" }),
    );
    const rename = await costOf(
      ctx,
      async () => await changeContact(store, contact, { lastName: "King" }),
    );
    const search = await costOf(ctx, async () => {
      const request = listRequest("crm_contact", { search: "ada" });
      await listObjects(ctx, { organizationId }, "crm_contact", request);
    });
    return { create, createWithPhone, again, patch, rename, search };
  });
  expect(costs).toEqual({
    create: { ranges: 5, read: 1, written: 5 },
    createWithPhone: { ranges: 6, read: 3, written: 7 },
    again: { ranges: 1, read: 1, written: 0 },
    patch: { ranges: 0, read: 1, written: 3 },
    rename: { ranges: 3, read: 5, written: 6 },
    search: { ranges: 1, read: 2, written: 0 },
  });
});
