import * as z from "zod";
import { ok, readEndpoint } from "../../kit/endpoint";
import { pageParameters } from "../../kit/pageParameters";
import { contactSummary, summaryOf } from "../../types/contact/input";
import { listObjects, listRequest } from "../../ontology/list";
import { endpointsOf } from "../typeEndpoints";

const tag = "CRM organizations";

export const { list, create, get, update, remove } = endpointsOf("crm_organization", {
  path: "/crm/organizations",
  tag,
  one: "a CRM organization",
  many: "CRM organizations",
  descriptions: {
    update:
      "Given fields change, those of the address one by one; `null` clears. Tags and custom fields are replaced as a whole.",
    remove: "Refused with the links while contacts or other objects point to it.",
  },
  examples: {
    create: {
      name: "Nordlicht Energie GmbH",
      website: "https://nordlicht.example",
      industry: "Energy",
      billingEmail: "rechnung@nordlicht.example",
      address: {
        street: "Lützner Straße 12",
        postalCode: "04177",
        city: "Leipzig",
        country: "DE",
      },
    },
    update: { phone: "+49 30 23125 100", notes: "Invoices by e-mail only." },
  },
});

export const listContacts = readEndpoint(
  {
    method: "GET",
    path: "/crm/organizations/:id/contacts",
    tag,
    summary: "List the contacts of a CRM organization",
    scope: "crm:read",
    subject: "crm_organization",
    query: () => z.strictObject(pageParameters()),
    list: true,
    answers: { 200: () => z.array(contactSummary()) },
  },
  async (ctx, { subject, query }) => {
    const request = listRequest("crm_contact", { ...query, crmOrganizationId: subject._id });
    const { rows, meta } = await listObjects(ctx, ctx.caller, "crm_contact", request);
    return ok(rows.map(summaryOf), { meta });
  },
);
