import { v } from "convex/values";
import { emailKey } from "../../kit/email";
import { oneOf } from "../../kit/oneOf";
import {
  contactMatchKeys,
  mailboxKey,
  otherEmailsOf,
  otherPhonesOf,
} from "../../ontology/contactMatch";
import { cellKey } from "../../ontology/counts";
import { CHANGED } from "../../ontology/definition";
import { field } from "../../ontology/fields";
import { defineMappedType, mappedColumns } from "../../ontology/mappedType";
import { searchedTexts } from "../../ontology/searchedTexts";
import { TAGS, tagGroup } from "../../ontology/tags";

const EMAIL_PROBLEMS = ["bounced", "complained"] as const;
export const MAX_NOTES = 20_000;
/** By so many of its other e-mails and phone numbers a contact is found. */
const MAX_SEARCHED_ADDRESSES = 40;

const contactFields = {
  firstName: field.label(200).optional,
  lastName: field.label(200).optional,
  email: field.email({ filter: "lookupKey" }).optional,
  /** Why mail to an address does not go out: it counts while `email` is that address. */
  emailProblem: field.internal(
    v.object({ email: v.string(), reason: oneOf(EMAIL_PROBLEMS), at: v.number() }),
  ).derivedOptional,
  phone: field.phone().optional,
  company: field.label(200).optional,
  jobTitle: field.label(200).optional,
  source: field.oneOf(["event", "checkout", "api"], { filter: "facet" }).beginning("api"),
  sourceRef: field.text(200).optional,
  tags: field.labels(50, 50).beginning([]),
  notes: field.longText(MAX_NOTES).optional,
  address: field.address().optional,
  taxId: field.label(50).optional,
  customFields: field.ownFields(),
  /** What merges brought of who it is; see contactMatch.ts. */
  merged: field.internal(
    v.object({
      emails: v.array(v.string()),
      names: v.array(v.string()),
      cards: v.array(v.string()),
    }),
  ).derivedOptional,
  crmOrganizationId: field.reference("crm_organization", {
    filter: "parentId",
    linkType: "member_of",
  }).optional,
  eventRegistrations: field.internal(
    v.array(v.object({ eventId: v.string(), eventName: v.string(), eventDate: v.number() })),
  ).derivedOptional,
};

/** A person whom the organization deals with. */
export const contactType = defineMappedType({
  type: "crm_contact",
  resource: "contact",
  area: "crm",
  subtypes: ["lead", "prospect", "customer"],
  statuses: ["active", "inactive"],
  verbs: [
    ...CHANGED,
    ...["relinked", "registered", "merged", "unmerged", "erased"],
    ...["email_bounced", "email_complained", "email_restored"],
  ],
  map: {
    shape: "flat",
    begins: { subtype: "lead", status: "active" },
    statusIsGiven: true,
    fields: contactFields,
    computed: {
      emailStatus: {
        nature: { kind: "oneOf", words: EMAIL_PROBLEMS },
        description: "Why mail to the address no longer goes out; null where it does.",
        of: emailStatusOf,
      },
    },
  },
  uniqueKeyIs: {
    field: "email",
    errorCode: "EMAIL_EXISTS",
    message: "Another contact has this e-mail.",
  },
  columns({ customProperties: contact }) {
    const fullName = [contact.firstName, contact.lastName].filter(Boolean).join(" ");
    return {
      ...mappedColumns(contactFields, contact),
      name: fullName || contact.company || contact.email || "Unnamed contact",
      searched: [
        ...searchedTexts({ name: fullName }, "name"),
        ...searchedTexts({ email: contact.email, otherEmails: few(otherEmailsOf(contact)) }),
        ...searchedTexts(
          { phone: contact.phone, otherPhones: few(otherPhonesOf(contact)) },
          "phone",
        ),
        ...searchedTexts({ company: contact.company, jobTitle: contact.jobTitle }),
        ...searchedTexts({ tags: contact.tags }),
      ],
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
  withoutPerson: () => ({
    left: { source: "api" as const, tags: [], customFields: [] },
    isRemoved: true,
  }),
});

/** Merges bring addresses without end. */
function few(addresses: readonly string[]): readonly string[] {
  return addresses.slice(0, MAX_SEARCHED_ADDRESSES);
}

/** What is known of an address that the contact no longer has says nothing of its present one. */
function emailStatusOf({ email, emailProblem }: Record<string, unknown>): string | null {
  if (typeof email !== "string" || emailProblem === undefined) return null;
  const problem = emailProblem as { email: string; reason: string };
  return emailKey(email) === emailKey(problem.email) ? problem.reason : null;
}
