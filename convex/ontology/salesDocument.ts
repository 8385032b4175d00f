import { type GenericId, type Infer, v } from "convex/values";
import { oneOf } from "../kit/oneOf";
import { TAX_CATEGORIES } from "../money/totals";
import { onlyVisible } from "../kit/invisible";
import { storedAddress } from "./address";
import type { ObjectColumns } from "./definition";

/** What invoices, quotes, credit notes and templates of recurring invoices have in common, as stored. */

export const INVOICE_TYPES = ["b2b_consolidated", "b2b_single", "b2c_single"] as const;

export const PAYMENT_TERMS = [
  "due_on_receipt",
  "net7",
  "net15",
  "net30",
  "net60",
  "net90",
] as const;

export const storedLine = v.object({
  transactionId: v.optional(v.string()),
  description: v.string(),
  quantity: v.number(),
  unit: v.optional(v.string()),
  /** UN/ECE recommendation 20, where it was given beside the unit. */
  unitCode: v.optional(v.string()),
  unitPriceInCents: v.number(),
  discountPercent: v.optional(v.number()),
  discountInCents: v.optional(v.number()),
  /** Net: quantity × unit price − discount. */
  totalPriceInCents: v.number(),
  taxCategory: oneOf(TAX_CATEGORIES),
  taxRatePercent: v.number(),
  taxExemptionReason: v.optional(v.string()),
  /** The line's part of its rate's tax. */
  taxAmountInCents: v.number(),
  /** The person whom the line is for, where a document gathers several people's lines. */
  contactId: v.optional(v.id("objects")),
});
export type StoredLine = Infer<typeof storedLine>;

export const storedParty = v.object({
  contactId: v.optional(v.id("objects")),
  crmOrganizationId: v.optional(v.id("objects")),
  name: v.string(),
  email: v.optional(v.string()),
  address: v.optional(storedAddress),
  taxId: v.optional(v.string()),
});
export type StoredParty = Infer<typeof storedParty>;

export const taxShare = v.object({
  taxCategory: oneOf(TAX_CATEGORIES),
  taxRatePercent: v.number(),
  taxableAmountInCents: v.number(),
  taxAmountInCents: v.number(),
});

/** Lines, whom they are for, and what they come to. */
export const salesContent = v.object({
  currency: v.string(),
  lineItems: v.array(storedLine),
  billTo: storedParty,
  projectId: v.optional(v.id("objects")),
  discountPercent: v.optional(v.number()),
  discountInCents: v.optional(v.number()),
  /** The lines' nets, added up. */
  subtotalInCents: v.number(),
  /** What the discount on the whole document comes to. */
  discountAmountInCents: v.number(),
  /** Subtotal less that discount. */
  netAmountInCents: v.number(),
  taxAmountInCents: v.number(),
  /** Net plus tax. */
  totalAmountInCents: v.number(),
  taxes: v.array(taxShare),
});
export type SalesContent = Infer<typeof salesContent>;

type Party = Pick<StoredParty, "contactId" | "crmOrganizationId">;

/** The columns and links that say whose document it is. */
export function partyColumns(
  { contactId, crmOrganizationId }: Party,
  people: readonly { contactId?: GenericId<"objects"> | undefined }[] = [],
): Pick<ObjectColumns, "parentId" | "relatedId" | "links"> {
  const others = new Set(people.flatMap((line) => line.contactId ?? []));
  return {
    ...(contactId === undefined ? {} : { parentId: contactId }),
    ...(crmOrganizationId === undefined ? {} : { relatedId: crmOrganizationId }),
    links: [
      ...(contactId === undefined ? [] : [{ linkType: "billed_to", to: contactId }]),
      ...(crmOrganizationId === undefined
        ? []
        : [{ linkType: "billed_to_organization", to: crmOrganizationId }]),
      ...[...others].map((to) => ({ linkType: "line_for", to })),
    ],
  };
}

/** The columns and links that invoices, quotes and recurring invoices have alike. */
export function salesColumns(
  content: Pick<SalesContent, "currency" | "billTo" | "lineItems" | "projectId">,
): Pick<ObjectColumns, "facet" | "parentId" | "relatedId" | "subjectId" | "links"> {
  const { currency, billTo, lineItems, projectId } = content;
  const party = partyColumns(billTo, lineItems);
  return {
    facet: currency,
    ...party,
    ...(projectId === undefined ? {} : { subjectId: projectId }),
    links: [...party.links, ...linkTo("for_project", projectId)],
  };
}

/** What full text finds a document by of whom it is for, as a record names it. */
export function searchedParty({ name, email }: Pick<StoredParty, "name" | "email">): {
  [field: string]: string | undefined;
} {
  return { "billTo.name": name, "billTo.email": email };
}

/** Of which type those are that these columns name. */
export const salesOwners = {
  parentId: "crm_contact",
  relatedId: "crm_organization",
  subjectId: "project",
} as const;

/** The filters that these columns serve. */
export const salesFilters = {
  status: "status",
  type: "subtype",
  contactId: "parentId",
  crmOrganizationId: "relatedId",
  projectId: "subjectId",
  currency: "facet",
} as const;

/** What a portal user sees of invoices and quotes: those sent to their own contact. */
export const sentToPortal = {
  through: ["billed_to"],
  shows: ({ customProperties }: { customProperties: { sentDate?: number | undefined } }): boolean =>
    customProperties.sentDate !== undefined,
  hides: ["customFields"],
};

/** What is left of a document that is not issued yet when the person whom it is for is erased. */
export function withoutAddressee<Document extends { billTo: StoredParty; sentTo?: string }>(
  document: Document,
  personId: GenericId<"objects">,
): { left: Document; isRemoved: false } | null {
  const { contactId, crmOrganizationId } = document.billTo;
  if (contactId !== personId) return null;
  const organization = crmOrganizationId === undefined ? {} : { crmOrganizationId };
  return {
    left: {
      ...document,
      billTo: { contactId, ...organization, name: "" },
      ...(document.sentTo === undefined ? {} : { sentTo: "" }),
    },
    isRemoved: false,
  };
}

export function linkTo(
  linkType: string,
  to: GenericId<"objects"> | undefined,
): ObjectColumns["links"] {
  return to === undefined ? [] : [{ linkType, to }];
}

/**
 * How numbers of documents and references of payments are compared: as they look on paper. Case, the
 * kind and amount of white space, full-width forms (NFKC) and what nobody sees tell no two apart.
 */
export function numberKey(number: string): string {
  return onlyVisible(number).normalize("NFKC").replace(/\s+/g, " ").trim().toUpperCase();
}
