import { expect, test, vi } from "vitest";
import type { Doc, Id } from "../../convex/_generated/dataModel";
import { DeliveryBodies } from "../../convex/delivery/webhookBody";
import { newContact } from "../crm/bodies";
import { type Books, line, openBooks, shown } from "../invoicing/books";

/** What an attempt would send now of each event there is. */
async function bodiesOf({ backend }: Books): Promise<{ type: string; text: string }[]> {
  return await backend.mutation(async (ctx) => {
    const bodies = new DeliveryBodies(ctx);
    const webhook = await ctx.db.query("webhooks").first();
    if (!webhook) throw new Error("no webhook");
    const made: { type: string; text: string }[] = [];
    for (const { _id: eventId, type } of await ctx.db.query("events").collect()) {
      const delivery = { eventId } as Doc<"webhookDeliveries">;
      made.push({ type, text: (await bodies.of(webhook, delivery))?.body ?? "" });
    }
    return made;
  });
}

test("a delivery that was queued before an erasure says nothing of the person, whatever it is of", async () => {
  vi.useFakeTimers({ now: Date.now(), toFake: ["setTimeout"] });
  const books = await openBooks();
  const { request, post, patch, backend } = books;
  shown(await post("/webhooks", { url: "https://hooks.example/in", events: ["*"] }));
  const contactId = await newContact(request, { firstName: "Zelda", email: "zelda@x.test" });
  const other = await newContact(request, { firstName: "Keptname" });
  await patch(`/crm/contacts/${contactId}`, { lastName: "Zeldason" });
  const user = { email: "zelda@x.test", name: "Zelda", oauthProvider: "google", oauthId: "1" };
  await post("/auth/sync-user", user);
  await post("/attachments", {
    ...{ url: "https://files.example/a", fileName: "zelda.pdf", ownerId: contactId },
  });
  // More drafts than the transaction of the erasure comes to.
  const billTo = { contactId, name: "Zelda", email: "zelda@x.test" };
  for (let i = 0; i < 110; i++) await books.draft({ billTo, lineItems: [line()] });
  const issued = await books.sent({ billTo: { ...billTo, name: "Zelda of the books" } });
  expect((await bodiesOf(books)).filter(({ text }) => /zelda/i.test(text)).length).toBeGreaterThan(
    110,
  );

  expect((await post(`/crm/contacts/${contactId}/erase`)).status).toBe(200);
  const left = await backend.run(async (ctx) => await ctx.db.query("events").collect());
  expect(left.some(({ data }) => JSON.stringify(data, jsonable).includes("zelda"))).toBe(true);
  const after = await bodiesOf(books);
  const saying = after.filter(({ text }) => /zelda/i.test(text));
  // Only what stays by law, and what others are.
  expect(new Set(saying.map(({ text }) => dataOf(text).id))).toEqual(new Set([issued.id]));
  const erased = after
    .filter(({ type }) => type === "contact.created")
    .map(({ text }) => dataOf(text));
  expect(erased).toEqual([
    { id: contactId, type: "crm_contact", erased: true },
    expect.objectContaining({ id: other }) as unknown,
  ]);
  vi.useRealTimers();
});

function dataOf(text: string): { id: Id<"objects"> } {
  return (JSON.parse(text) as { data: { id: Id<"objects"> } }).data;
}

function jsonable(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}
