import * as z from "zod";
import { created, noContent, ok, readEndpoint, writeEndpoint } from "../../kit/endpoint";
import { mergedChanges } from "../../kit/mergePatch";
import { pageParameters } from "../../kit/pageParameters";
import { contactSummary } from "../../ontology/contactInput";
import { summaryOf } from "../../ontology/contactView";
import {
  changeCrmOrganization,
  createCrmOrganization,
  crmOrganizationCreation,
  crmOrganizationDetail,
  crmOrganizationFilters,
  crmOrganizationPatch,
  crmOrganizationUpdate,
  crmOrganizationView,
} from "../../ontology/crmOrganizationRules";
import { listObjects, listParametersOf, listRequest } from "../../ontology/list";

const tag = "CRM organizations";

export const list = readEndpoint(
  {
    method: "GET",
    path: "/crm/organizations",
    tag,
    summary: "List or search CRM organizations",
    scope: "crm:read",
    query: z.strictObject({ ...listParametersOf("crm_organization"), ...crmOrganizationFilters }),
    list: true,
    answers: { 200: z.array(crmOrganizationDetail) },
  },
  async (ctx, { query }) => {
    const request = listRequest("crm_organization", query);
    const { rows, meta } = await listObjects(ctx, ctx.caller, "crm_organization", request);
    return ok(rows.map(crmOrganizationView), { meta });
  },
);

export const create = writeEndpoint(
  {
    method: "POST",
    path: "/crm/organizations",
    tag,
    summary: "Create a CRM organization",
    scope: "crm:write",
    body: crmOrganizationCreation,
    example: {
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
    answers: { 201: crmOrganizationDetail },
  },
  async ({ store }, { body }) => {
    const organization = await createCrmOrganization(store, body);
    return created(crmOrganizationView(organization), { version: organization.version });
  },
);

export const get = readEndpoint(
  {
    method: "GET",
    path: "/crm/organizations/:id",
    tag,
    summary: "Get a CRM organization",
    scope: "crm:read",
    subject: "crm_organization",
    answers: { 200: crmOrganizationDetail },
  },
  async (_ctx, { subject }) => ok(crmOrganizationView(subject), { version: subject.version }),
);

export const update = writeEndpoint(
  {
    method: "PATCH",
    path: "/crm/organizations/:id",
    tag,
    summary: "Change a CRM organization",
    description:
      "Given fields change, those of the address one by one; `null` clears. Tags and custom fields are replaced as a whole.",
    scope: "crm:write",
    subject: "crm_organization",
    body: crmOrganizationPatch,
    example: { phone: "+49 30 23125 100", notes: "Invoices by e-mail only." },
    answers: { 200: crmOrganizationDetail },
  },
  async ({ store }, { subject, body }) => {
    const organization = await changeCrmOrganization(
      store,
      subject,
      mergedChanges(crmOrganizationUpdate, subject.customProperties, body),
    );
    return ok(crmOrganizationView(organization), { version: organization.version });
  },
);

export const remove = writeEndpoint(
  {
    method: "DELETE",
    path: "/crm/organizations/:id",
    tag,
    summary: "Delete a CRM organization",
    description: "Refused with the links while contacts or other objects point to it.",
    scope: "crm:write",
    subject: "crm_organization",
    answers: { 204: null },
    errors: ["CONFLICT"],
  },
  async ({ store }, { subject }) => {
    await store.remove(subject);
    return noContent;
  },
);

export const listContacts = readEndpoint(
  {
    method: "GET",
    path: "/crm/organizations/:id/contacts",
    tag,
    summary: "List the contacts of a CRM organization",
    scope: "crm:read",
    subject: "crm_organization",
    query: z.strictObject(pageParameters),
    list: true,
    answers: { 200: z.array(contactSummary) },
  },
  async (ctx, { subject, query }) => {
    const request = listRequest("crm_contact", { ...query, crmOrganizationId: subject._id });
    const { rows, meta } = await listObjects(ctx, ctx.caller, "crm_contact", request);
    return ok(rows.map(summaryOf), { meta });
  },
);
