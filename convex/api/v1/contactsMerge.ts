import * as z from "zod";
import { ok, readEndpoint, writeEndpoint } from "../../kit/endpoint";
import { exampleId } from "../../kit/exampleId";
import { contactDetail, detailOf } from "../../types/contact/input";
import { type ContactMerge, mergeContacts, undoMerge } from "../../ontology/contactMerge";
import { type Erasure, erasePerson } from "../../ontology/erasure";
import { once } from "../../kit/once";

const tag = "Contacts";

const mergeView = once(() =>
  z
    .object({
      id: z.string(),
      targetId: z.string(),
      sourceId: z.string(),
      status: z.enum(["moving", "done", "undoing", "undone"]),
      moved: z.number().int().meta({ description: "Objects that were moved to the target." }),
      mergedAt: z.number(),
      undoUntil: z.number(),
    })
    .meta({ id: "ContactMerge" }),
);

const mergeAnswer = once(() => z.object({ contact: contactDetail(), merge: mergeView() }));

export const create = writeEndpoint(
  {
    method: "POST",
    path: "/crm/contacts/:id/merge",
    tag,
    summary: "Merge another contact into this one",
    description:
      "What this contact lacks it takes from the source; tags are united, the higher subtype counts, further e-mails and phones go to the custom fields `otherEmails` and `otherPhones`, and find this contact from then on. The notes of both are joined; where they are longer together than a contact's notes may be, the merge is refused and says so. Whatever refers to the source (projects, invoices, portal users) is moved; beyond a hundred objects a job goes on, and the merge's `status` says so. The source is deleted. It can be undone for 30 days.",
    scope: "crm:write",
    subject: "crm_contact",
    body: () => z.strictObject({ sourceId: z.string().max(64) }),
    example: { sourceId: exampleId("contactId") },
    answers: { 200: mergeAnswer },
  },
  async (ctx, { subject, body }) => {
    const merged = await mergeContacts(ctx, ctx.store, subject, body.sourceId);
    return ok(mergeBody(merged), { version: merged.contact.version });
  },
);

export const get = readEndpoint(
  {
    method: "GET",
    path: "/crm/contacts/merges/:id",
    tag,
    summary: "Get a merge",
    scope: "crm:read",
    params: () => z.object({ id: z.string() }),
    answers: { 200: mergeView },
    errors: ["NOT_FOUND"],
  },
  async (ctx, { params }) => ok(mergeViewOf(await ctx.tenant.own("contactMerges", params.id))),
);

export const undo = writeEndpoint(
  {
    method: "POST",
    path: "/crm/contacts/merges/:id/undo",
    tag,
    summary: "Undo a merge",
    description:
      "The source lives again as it was, and what was moved refers to it again. What has changed of the target since the merge stays. Several merges into one contact can be undone in any order.",
    scope: "crm:write",
    params: () => z.object({ id: z.string() }),
    answers: { 200: mergeAnswer },
    errors: ["NOT_FOUND", "INVALID_STATE", "GONE", "CONFLICT", "EMAIL_EXISTS"],
  },
  async (ctx, { params }) => {
    const undone = await undoMerge(ctx, ctx.store, await ctx.store.own("contactMerges", params.id));
    return ok(mergeBody(undone));
  },
);

const erasureView = once(() =>
  z.object({
    id: z.string(),
    erasureId: z.string(),
    status: z.enum(["running", "completed"]).meta({
      description:
        "`running`: the contact is blank; what refers to it beyond a hundred objects, its history and kept answers are being blanked.",
    }),
    erasedAt: z.number(),
  }),
);

export const erase = writeEndpoint(
  {
    method: "POST",
    path: "/crm/contacts/:id/erase",
    tag,
    summary: "Erase a person's data",
    description:
      "Blanks what is stored of the person everywhere but on issued invoices: the contact and those merged into it, portal users, drafts, events, audit values, kept answers, search. It cannot be undone. A deleted contact can be erased as well.",
    scope: "crm:write",
    params: () => z.object({ id: z.string() }),
    answers: { 200: erasureView },
    errors: ["NOT_FOUND"],
  },
  async (ctx, { params }) => ok(erasureBody(await erasePerson(ctx, ctx.store, params.id))),
);

function mergeBody({
  contact,
  merge: row,
}: Awaited<ReturnType<typeof mergeContacts>>): z.input<ReturnType<typeof mergeAnswer>> {
  return { contact: detailOf(contact), merge: mergeViewOf(row) };
}

function mergeViewOf(row: ContactMerge): z.input<ReturnType<typeof mergeView>> {
  const { _id: id, targetId, sourceId, status, moved, mergedAt, undoUntil } = row;
  return { id, targetId, sourceId, status, moved, mergedAt, undoUntil };
}

function erasureBody({
  _id,
  contactId,
  status,
  erasedAt,
}: Erasure): z.input<ReturnType<typeof erasureView>> {
  return { id: contactId, erasureId: _id, status, erasedAt };
}
