import * as z from "zod";
import { writeEndpoint } from "../../kit/endpoint";
import { batchItems } from "../../ontology/batch";
import { bulk, bulkAnswer, bulkBody, bulkDescription, MAX_ITEMS } from "../bulk";

export const contacts = writeEndpoint(
  {
    method: "POST",
    path: "/crm/contacts/bulk",
    tag: "Contacts",
    summary: "Create and update many contacts",
    description: bulkDescription,
    scope: "crm:write",
    body: bulkBody,
    bodyLimit: 8 * 1024 * 1024,
    documentedBody: () =>
      bulkBody().extend({ items: z.array(batchItems().contact).min(1).max(MAX_ITEMS) }),
    example: {
      items: [
        { firstName: "Inès", lastName: "Moreau", email: "ines.moreau@atelier-lyon.example" },
        { company: "Bäckerei Huber", email: "hallo@baeckerei-huber.example", subtype: "customer" },
      ],
      atomic: true,
    },
    answers: { 200: bulkAnswer },
  },
  async (ctx, { body }) => await bulk(ctx, "contact", body),
);

export const organizations = writeEndpoint(
  {
    method: "POST",
    path: "/crm/organizations/bulk",
    tag: "CRM organizations",
    summary: "Create and update many CRM organizations",
    description: bulkDescription,
    scope: "crm:write",
    body: bulkBody,
    bodyLimit: 8 * 1024 * 1024,
    documentedBody: () =>
      bulkBody().extend({
        items: z.array(batchItems().organization).min(1).max(MAX_ITEMS),
      }),
    example: {
      items: [
        { name: "Atelier Lyon SARL", website: "https://atelier-lyon.example" },
        { name: "Bäckerei Huber", industry: "Food", tags: ["Leipzig"] },
      ],
    },
    answers: { 200: bulkAnswer },
  },
  async (ctx, { body }) => await bulk(ctx, "organization", body),
);
