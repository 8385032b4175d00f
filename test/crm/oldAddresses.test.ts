import { expect, test } from "vitest";
import type { Id } from "../../convex/_generated/dataModel";
import { line, openBooks } from "../invoicing/books";
import type { Contact } from "./bodies";

/** Contacts of before addresses were read as strictly as mail servers read them. */

test.each(["x<a@b.c>", "a@b..c"])(
  "a contact of before with the e-mail %s can be changed, is told when mail is to go there, and put right",
  async (email) => {
    const books = await openBooks();
    const id = await books.contact({ email: "ada@x.test" });
    await books.backend.run(async (ctx) => {
      const old = await ctx.db.get("objects", id as Id<"objects">);
      if (old?.type !== "crm_contact") throw new Error("The contact is missing.");
      const customProperties = { ...old.customProperties, email };
      await ctx.db.patch("objects", old._id, { customProperties, lookupKey: email });
    });
    const other = await books.patch(`/crm/contacts/${id}`, { jobTitle: "CTO" });
    expect([other.status, other.text]).toEqual([200, expect.stringContaining("CTO")]);
    expect(other.body.data).toMatchObject({ email });

    const body = { type: "b2c_single", currency: "EUR", billTo: { contactId: id } };
    const made = await books.post("/invoices", { ...body, lineItems: [line()] });
    expect(made.status, made.text).toBe(201);
    const path = `/invoices/${made.body.data.id}/send`;
    const refused = await books.post(path, { channels: ["email"] });
    expect([refused.status, refused.code, refused.paths]).toEqual([
      ...[400, "VALIDATION_ERROR", ["body.to"]],
    ]);
    expect(refused.text).toContain("is not one e-mail address");

    const again = await books.patch(`/crm/contacts/${id}`, { email });
    expect([again.status, again.paths]).toEqual([400, ["body.email"]]);
    const right = await books.patch(`/crm/contacts/${id}`, { email: "ada@y.test" });
    expect(right.status, right.text).toBe(200);
    const shown = (await books.get(`/crm/contacts/${id}`)).body as unknown as Contact;
    expect(shown.email).toBe("ada@y.test");
    const known = await books.post("/crm/contacts", { email: "ADA@y.test" });
    expect([known.status, known.body.contactId]).toEqual([200, id]);
  },
);
