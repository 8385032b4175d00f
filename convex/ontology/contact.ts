import { v } from "convex/values";
import { oneOf } from "../kit/oneOf";
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
  properties: v.object({
    firstName: v.optional(v.string()),
    lastName: v.optional(v.string()),
    email: v.optional(v.string()),
    /** Why mail to an address does not go out: it counts while `email` is that address. */
    emailProblem: v.optional(
      v.object({ email: v.string(), reason: oneOf(["bounced", "complained"]), at: v.number() }),
    ),
    phone: v.optional(v.string()),
    company: v.optional(v.string()),
    jobTitle: v.optional(v.string()),
    source: oneOf(["event", "checkout", "api"]),
    sourceRef: v.optional(v.string()),
    tags: v.array(v.string()),
    notes: v.optional(v.string()),
    address: v.optional(storedAddress),
    taxId: v.optional(v.string()),
    customFields: storedCustomFields,
    /** What merges brought of who it is; see contactMatch.ts. */
    merged: v.optional(
      v.object({
        emails: v.array(v.string()),
        names: v.array(v.string()),
        cards: v.array(v.string()),
      }),
    ),
    crmOrganizationId: v.optional(v.id("objects")),
    eventRegistrations: v.optional(
      v.array(v.object({ eventId: v.string(), eventName: v.string(), eventDate: v.number() })),
    ),
  }),
  uniqueKeyIs: {
    field: "email",
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
  owners: { parentId: "crm_organization" },
  filters: {
    subtype: "subtype",
    status: "status",
    source: "facet",
    crmOrganizationId: "parentId",
    email: "lookupKey",
  },
});
