import * as z from "zod";
import { zid } from "convex-helpers/server/zod4";
import type { GenericId } from "convex/values";
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

export const storedLine = z.object({
  transactionId: z.string().optional(),
  description: z.string(),
  quantity: z.number(),
  unit: z.string().optional(),
  /** UN/ECE recommendation 20, where it was given beside the unit. */
  unitCode: z.string().optional(),
  unitPriceInCents: z.number(),
  discountPercent: z.number().optional(),
  discountInCents: z.number().optional(),
  /** Net: quantity × unit price − discount. */
  totalPriceInCents: z.number(),
  taxCategory: z.enum(TAX_CATEGORIES),
  taxRatePercent: z.number(),
  taxExemptionReason: z.string().optional(),
  /** The line's part of its rate's tax. */
  taxAmountInCents: z.number(),
  /** The person whom the line is for, where a document gathers several people's lines. */
  contactId: zid("objects").optional(),
});
export type StoredLine = z.output<typeof storedLine>;

export const storedParty = z.object({
  contactId: zid("objects").optional(),
  crmOrganizationId: zid("objects").optional(),
  name: z.string(),
  email: z.string().optional(),
  address: storedAddress.optional(),
  taxId: z.string().optional(),
});
export type StoredParty = z.output<typeof storedParty>;

export const taxShare = z.object({
  taxCategory: z.enum(TAX_CATEGORIES),
  taxRatePercent: z.number(),
  taxableAmountInCents: z.number(),
  taxAmountInCents: z.number(),
});

/** Lines, whom they are for, and what they come to. */
export const salesContent = z.object({
  currency: z.string(),
  lineItems: z.array(storedLine),
  billTo: storedParty,
  projectId: zid("objects").optional(),
  discountPercent: z.number().optional(),
  discountInCents: z.number().optional(),
  /** The lines' nets, added up. */
  subtotalInCents: z.number(),
  /** What the discount on the whole document comes to. */
  discountAmountInCents: z.number(),
  /** Subtotal less that discount. */
  netAmountInCents: z.number(),
  taxAmountInCents: z.number(),
  /** Net plus tax. */
  totalAmountInCents: z.number(),
  taxes: z.array(taxShare),
});
export type SalesContent = z.output<typeof salesContent>;

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
