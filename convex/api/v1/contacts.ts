import * as z from "zod";
import { created, noContent, ok, readEndpoint, writeEndpoint } from "../../kit/endpoint";
import { placing, under } from "../../kit/errors";
import { mergedChanges } from "../../kit/mergePatch";
import {
  contactCreation,
  contactDetail,
  contactFilters,
  contactSummary,
  contactPatch,
  contactUpdate,
  detailOf,
  eventRegistration,
  summaryOf,
} from "../../types/contact/input";
import {
  changeContact,
  saveContact,
  type SavedContact,
  saveRegistration,
} from "../../ontology/contactRules";
import { listObjects, listParametersOf, listRequest } from "../../ontology/list";
import { once } from "../../kit/once";

const tag = "Contacts";

const savedContact = once(() =>
  z.object({
    success: z.literal(true),
    contactId: z.string(),
    crmOrganizationId: z.string().nullable(),
    isNewContact: z.boolean(),
    message: z.string(),
  }),
);

/** Creates a contact, or updates the one with this e-mail. */
export const create = writeEndpoint(
  {
    method: "POST",
    path: "/crm/contacts",
    tag,
    summary: "Create or update a contact",
    description:
      "A known e-mail updates that contact, also one that came to it by a merge: only the given fields change, tags are united, the subtype never goes down. `organizationInfo` links the CRM organization of that name, and makes it if there is none.",
    scope: "crm:write",
    body: contactCreation,
    literal: true,
    example: {
      firstName: "Greta",
      lastName: "Lindqvist",
      email: "greta.lindqvist@nordlicht.example",
      phone: "+49 30 23125 118",
      jobTitle: "Head of Marketing",
      subtype: "lead",
      tags: ["website"],
      organizationInfo: { name: "Nordlicht Energie GmbH", website: "https://nordlicht.example" },
      customFields: { referredBy: "Trade fair Leipzig" },
    },
    answers: { 200: savedContact, 201: savedContact },
  },
  async ({ store }, { body }) => {
    const { organizationInfo, ...fields } = body;
    const saved = await saveContact(store, fields, organizationInfo);
    return saved.isNew ? created(savedBody(saved)) : ok(savedBody(saved));
  },
);

/** Creates or updates a contact from an event registration. */
export const createFromEvent = writeEndpoint(
  {
    method: "POST",
    path: "/crm/contacts/from-event",
    tag,
    summary: "Create or update a contact from an event registration",
    scope: "crm:write",
    body: eventRegistration,
    literal: true,
    example: {
      eventId: "design-meetup-2026-10",
      eventName: "Design Meetup Leipzig",
      eventDate: "2026-10-14",
      attendeeInfo: {
        firstName: "Milan",
        lastName: "Novák",
        email: "milan.novak@studio-praha.example",
        company: "Studio Praha",
        tags: ["meetup"],
      },
    },
    answers: {
      200: () => savedContact().extend({ eventId: z.string(), organizationId: z.string() }),
      201: () => savedContact().extend({ eventId: z.string(), organizationId: z.string() }),
    },
  },
  async ({ store, caller }, { body }) => {
    const saved = await placing(under("body.attendeeInfo"), () => saveRegistration(store, body));
    const { eventId } = body;
    const answer = { ...savedBody(saved), eventId, organizationId: caller.organizationId };
    return saved.isNew ? created(answer) : ok(answer);
  },
);

export const list = readEndpoint(
  {
    method: "GET",
    path: "/crm/contacts",
    tag,
    summary: "List or search contacts",
    scope: "crm:read",
    saysUndefined: ["subtype", "status", "source", "limit", "offset"],
    query: () =>
      z.strictObject({
        ...contactFilters(),
        ...listParametersOf("crm_contact"),
      }),
    literal: true,
    answers: {
      200: () =>
        z.object({
          contacts: z.array(contactSummary()),
          total: z.number().int().nullable(),
          limit: z.number().int(),
          offset: z.number().int(),
          nextCursor: z.string().nullable(),
          page: z.number().int().optional(),
          totalPages: z.number().int().nullable().optional(),
          totalIsCapped: z.boolean().optional(),
        }),
    },
  },
  async (ctx, { query }) => {
    const request = listRequest("crm_contact", query);
    const { rows, meta } = await listObjects(ctx, ctx.caller, "crm_contact", request);
    return ok({ contacts: rows.map(summaryOf), offset: request.paging.offset ?? 0, ...meta });
  },
);

export const get = readEndpoint(
  {
    method: "GET",
    path: "/crm/contacts/:id",
    tag,
    summary: "Get a contact",
    scope: "crm:read",
    subject: "crm_contact",
    literal: true,
    answers: { 200: contactDetail },
  },
  async (_ctx, { subject }) => ok(detailOf(subject), { version: subject.version }),
);

export const update = writeEndpoint(
  {
    method: "PATCH",
    path: "/crm/contacts/:id",
    tag,
    summary: "Change a contact",
    description:
      "Given fields change, those of the address one by one; `null` clears. Tags and custom fields are replaced as a whole.",
    scope: "crm:write",
    subject: "crm_contact",
    body: contactPatch,
    example: {
      jobTitle: "Managing Director",
      notes: "Prefers calls in the morning.",
      tags: ["key account"],
    },
    answers: { 200: contactDetail },
    errors: ["EMAIL_EXISTS"],
  },
  async ({ store }, { subject, body }) => {
    const contact = await changeContact(
      store,
      subject,
      mergedChanges(contactUpdate(), subject.customProperties, body),
    );
    return ok(detailOf(contact), { version: contact.version });
  },
);

export const remove = writeEndpoint(
  {
    method: "DELETE",
    path: "/crm/contacts/:id",
    tag,
    summary: "Delete a contact",
    description: "Refused with the links while other objects point to it.",
    scope: "crm:write",
    subject: "crm_contact",
    answers: { 204: null },
    errors: ["CONFLICT"],
  },
  async ({ store }, { subject }) => {
    await store.remove(subject);
    return noContent;
  },
);

function savedBody({ contact, isNew }: SavedContact): z.input<ReturnType<typeof savedContact>> {
  return {
    success: true,
    contactId: contact._id,
    crmOrganizationId: contact.customProperties.crmOrganizationId ?? null,
    isNewContact: isNew,
    message: isNew ? "Contact created successfully" : "Contact updated successfully",
  };
}
