import * as z from "zod";
import { zid } from "convex-helpers/server/zod4";
import { storedCustomFields } from "../kit/customFields";
import { emailKey } from "../kit/email";
import { storedAddress } from "./address";
import { contactMatchKeys, mailboxKey, otherEmailsOf, otherPhonesOf } from "./contactMatch";
import { cellKey } from "./counts";
import { defineObjectType } from "./definition";
import { emailWords, phoneTexts } from "./searchWords";
import { TAGS, tagGroup } from "./tags";

/** A person whom the organization deals with. */
export const contactType = defineObjectType({
  type: "crm_contact",
  resource: "contact",
  subtypes: ["lead", "prospect", "customer"],
  statuses: ["active", "inactive"],
  properties: z.object({
    firstName: z.string().optional(),
    lastName: z.string().optional(),
    email: z.string().optional(),
    /** Why mail to an address does not go out: it counts while `email` is that address. */
    emailProblem: z
      .object({ email: z.string(), reason: z.enum(["bounced", "complained"]), at: z.number() })
      .optional(),
    phone: z.string().optional(),
    company: z.string().optional(),
    jobTitle: z.string().optional(),
    source: z.enum(["event", "checkout", "api"]),
    sourceRef: z.string().optional(),
    tags: z.array(z.string()),
    notes: z.string().optional(),
    address: storedAddress.optional(),
    taxId: z.string().optional(),
    customFields: storedCustomFields,
    /** What merges brought of who it is; see contactMatch.ts. */
    merged: z
      .object({
        emails: z.array(z.string()),
        names: z.array(z.string()),
        cards: z.array(z.string()),
      })
      .optional(),
    crmOrganizationId: zid("objects").optional(),
    eventRegistrations: z
      .array(z.object({ eventId: z.string(), eventName: z.string(), eventDate: z.number() }))
      .optional(),
  }),
  uniqueKeyIs: {
    path: "body.email",
    errorCode: "EMAIL_EXISTS",
    message: "Another contact has this e-mail.",
  },
  columns({ customProperties: contact }) {
    const fullName = [contact.firstName, contact.lastName].filter(Boolean).join(" ");
    return {
      name: fullName || contact.company || contact.email || "Unnamed contact",
      searchText: [
        fullName,
        ...emailWords(contact.email, ...otherEmailsOf(contact)),
        ...phoneTexts(contact.phone, ...otherPhonesOf(contact)),
        contact.company,
        contact.jobTitle,
        ...contact.tags,
      ]
        .filter(Boolean)
        .join(" "),
      lookupKey: contact.email && emailKey(contact.email),
      facet: contact.source,
      parentId: contact.crmOrganizationId,
      links: contact.crmOrganizationId
        ? [{ linkType: "member_of", to: contact.crmOrganizationId }]
        : [],
    };
  },
  tallies: (contact) =>
    contact.customProperties.tags.map((tag) => ({
      ...{ group: tagGroup("crm_contact", tag), period: TAGS, key: cellKey(contact), count: 1 },
    })),
  matchKeys: ({ customProperties }) => contactMatchKeys(customProperties),
  otherKeys: (key) => ({
    among: { kind: "email", key: mailboxKey(key) },
    is: { kind: "address", key },
  }),
  hasAddresses: true,
  withoutPerson: () => ({
    left: { source: "api" as const, tags: [], customFields: [] },
    isRemoved: true,
  }),
  filters: {
    subtype: "subtype",
    status: "status",
    source: "facet",
    crmOrganizationId: "parentId",
    email: "lookupKey",
  },
});
