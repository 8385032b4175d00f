import * as z from "zod";
import { ok, readEndpoint } from "../../kit/endpoint";
import { DEFAULT_LIMIT } from "../../kit/pageLimits";
import { once } from "../../kit/once";
import { pageParameters } from "../../kit/pageParameters";
import { activityEntry, activityOf } from "../../ontology/activity";
import { contactSummary, summaryOf } from "../../types/contact/input";
import { duplicatesOf, MATCH_KINDS } from "../../ontology/duplicates";
import { tagCount, tagCounts } from "../../ontology/tagCounts";

const tag = "Contacts";

/** Such a list is paged by cursor alone. */
const byCursor = once(() => {
  const { limit, cursor } = pageParameters();
  return { limit, cursor };
});

export const tags = readEndpoint(
  {
    method: "GET",
    path: "/crm/contacts/tags",
    tag,
    summary: "List tags with the number of contacts that have them",
    scope: "crm:read",
    query: () => z.strictObject(byCursor()),
    list: true,
    answers: { 200: () => z.array(tagCount()) },
  },
  async (ctx, { query }) => {
    const page = { ...query, limit: query.limit ?? DEFAULT_LIMIT };
    const { tags: data, nextCursor } = await tagCounts(
      ctx,
      ctx.caller.organizationId,
      "crm_contact",
      page,
    );
    return ok(data, { meta: { total: null, limit: page.limit, nextCursor } });
  },
);

export const duplicates = readEndpoint(
  {
    method: "GET",
    path: "/crm/contacts/duplicates",
    tag,
    summary: "List contacts that may be the same person",
    description:
      "Groups of contacts that share a mailbox (`ada+news@…` is `ada@…`), a name (in any order, without case and accents) or a phone number in whatever spelling (a national one is of the organization's country; while that is not known, the last nine digits of numbers are compared).",
    scope: "crm:read",
    query: () => z.strictObject({ ...byCursor(), by: z.enum(MATCH_KINDS).optional() }),
    list: true,
    answers: {
      200: () =>
        z.array(
          z.object({
            by: z.enum(MATCH_KINDS),
            value: z.string(),
            contacts: z.array(contactSummary()),
            hasMore: z.boolean().meta({ description: "More contacts than the twenty shown." }),
          }),
        ),
    },
  },
  async (ctx, { query }) => {
    const page = { ...query, limit: query.limit ?? DEFAULT_LIMIT };
    const { groups, nextCursor } = await duplicatesOf(ctx, ctx.tenant, "crm_contact", page);
    const data = groups.map(({ by, key, members, hasMore }) => ({
      ...{ by, value: key, contacts: members.map(summaryOf), hasMore },
    }));
    return ok(data, { meta: { total: null, limit: page.limit, nextCursor } });
  },
);

export const activity = readEndpoint(
  {
    method: "GET",
    path: "/crm/contacts/:id/activity",
    tag,
    summary: "List what happened to a contact",
    description: "Newest first; kept for 90 days.",
    scope: "crm:read",
    subject: "crm_contact",
    query: () => z.strictObject(byCursor()),
    list: true,
    answers: { 200: () => z.array(activityEntry()) },
  },
  async (ctx, { subject, query }) => {
    const page = { ...query, limit: query.limit ?? DEFAULT_LIMIT };
    const { entries, nextCursor } = await activityOf(ctx, subject, page);
    return ok(entries, { meta: { total: null, limit: page.limit, nextCursor } });
  },
);
