import { getConvexSize } from "convex/values";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { type FieldProblem, invalidFields, under } from "../kit/errors";
import { unitCodeOf } from "../kit/unitCodes";
import { AmountTooLarge } from "../money/amount";
import { absolute } from "../money/decimal";
import { type Discount, grossOf, type Totals, totalsOf } from "../money/totals";
import type { SalesContent, StoredLine, StoredParty } from "./salesDocument";
import type { BillToInput, ContentInput, LineItemInput } from "./salesInput";
import type { ObjectStore } from "./store";

/** Where documents of an organization are made: its transaction, its store, its settings. */
export type InvoicingContext = MutationCtx & {
  store: ObjectStore;
  organization: Doc<"organizations">;
};

/** A change's audit entry holds the lines before and after it, and Convex's rows at most 1 MiB. */
const MAX_BYTES_OF_LINES = 400 * 1024;

type UnpricedLine = Omit<StoredLine, "totalPriceInCents" | "taxAmountInCents">;
type SentFigures = Pick<
  ContentInput,
  "subtotalInCents" | "taxAmountInCents" | "totalAmountInCents"
>;

/**
 * A document's lines, party and totals, as they are stored. Every figure is computed here; figures that
 * the caller sent are compared.
 * @throws VALIDATION_ERROR; `<RESOURCE>_NOT_FOUND` for a contact, CRM organization or project
 */
export async function contentOf(
  context: InvoicingContext,
  input: ContentInput,
): Promise<SalesContent> {
  const { store, organization } = context;
  const billTo = await partyOf(store, input.billTo);
  const projectId =
    input.projectId === undefined
      ? undefined
      : (await store.require("project", input.projectId))._id;
  return {
    currency: input.currency ?? organization.currency,
    billTo,
    ...(projectId === undefined ? {} : { projectId }),
    ...pricedContent(await linesOf(store, input.lineItems), input, totalsOf),
  };
}

type Priced = Omit<SalesContent, "currency" | "billTo" | "projectId">;

/** Lines and totals, by the arithmetic that is given. @throws VALIDATION_ERROR */
export function pricedContent(
  lines: readonly UnpricedLine[],
  input: Discount & SentFigures & { lineItems?: readonly LineItemInput[] | undefined },
  arithmetic: (lines: readonly UnpricedLine[], discount: Discount) => Totals,
): Priced {
  const discount = discountOf(input);
  const problems = [...lines.flatMap(lineProblems), ...discountProblems("", discount)];
  if (problems.length > 0) throw invalidFields(problems);
  const { lines: priced, ...totals } = computed(() => {
    const plain = totalsOf(lines);
    requireBearable(plain.subtotalInCents, discount);
    return arithmetic(lines, discount);
  });
  requireEqualFigures(input, totals, priced);
  if (totals.totalAmountInCents < 0) {
    const message = "must not add up to less than zero; a credit note gives money back";
    throw invalidFields([{ field: "lineItems", message }]);
  }
  const lineItems = lines.map((line, index) => ({
    ...line,
    ...(priced[index] ?? { totalPriceInCents: 0, taxAmountInCents: 0 }),
  }));
  if (getConvexSize(lineItems) > MAX_BYTES_OF_LINES) {
    const message = `must have at most ${MAX_BYTES_OF_LINES} bytes in all`;
    throw invalidFields([{ field: "lineItems", message }]);
  }
  return { lineItems, ...discount, ...totals };
}

/** Lines as stored, but for their amounts. @throws CONTACT_NOT_FOUND */
export async function linesOf(
  store: ObjectStore,
  items: readonly LineItemInput[],
): Promise<UnpricedLine[]> {
  const ids = new Set(items.flatMap(({ contactId }) => contactId ?? []));
  const people = new Map<string, Id<"objects">>();
  for (const id of ids) people.set(id, (await store.require("crm_contact", id))._id);
  return items.map(({ totalPriceInCents: _total, taxAmountInCents: _tax, ...item }) => {
    const { contactId, taxRatePercent = 0, taxCategory, unitCode, ...line } = item;
    const code = unitCode === undefined ? undefined : unitCodeOf(unitCode);
    const person = contactId === undefined ? undefined : people.get(contactId);
    return {
      ...line,
      ...(code === undefined ? {} : { unitCode: code }),
      taxRatePercent,
      taxCategory: taxCategory ?? (taxRatePercent === 0 ? "zero" : "standard"),
      ...(person === undefined ? {} : { contactId: person }),
    };
  });
}

/** Whom the document is for. What the CRM says is copied: a sent invoice does not change with it. */
async function partyOf(store: ObjectStore, party: BillToInput): Promise<StoredParty> {
  const { contactId, crmOrganizationId } = party;
  const contact = contactId === undefined ? null : await store.require("crm_contact", contactId);
  const company =
    crmOrganizationId === undefined
      ? null
      : await store.require("crm_organization", crmOrganizationId);
  const person = contact?.customProperties;
  const name = party.name ?? company?.name ?? contact?.name;
  if (name === undefined) {
    const message = "is required without contactId and crmOrganizationId";
    throw invalidFields([{ field: "billTo.name", message }]);
  }
  const email = party.email ?? company?.customProperties.billingEmail ?? person?.email;
  const address = party.address ?? company?.customProperties.address ?? person?.address;
  const taxId = party.taxId ?? company?.customProperties.taxId ?? person?.taxId;
  return {
    ...(contact ? { contactId: contact._id } : {}),
    ...(company ? { crmOrganizationId: company._id } : {}),
    name,
    ...(email === undefined ? {} : { email }),
    ...(address === undefined ? {} : { address }),
    ...(taxId === undefined ? {} : { taxId }),
  };
}

function discountOf({ discountPercent, discountInCents }: Discount): Discount {
  return {
    ...(discountPercent === undefined ? {} : { discountPercent }),
    ...(discountInCents === undefined ? {} : { discountInCents }),
  };
}

function lineProblems(line: UnpricedLine, index: number): FieldProblem[] {
  const at = `lineItems.${index}`;
  const { taxCategory, taxRatePercent, taxExemptionReason, discountInCents = 0 } = line;
  const problems = discountProblems(at, line);
  if (taxCategory === "standard" && taxRatePercent === 0) {
    problems.push({
      field: `${at}.taxRatePercent`,
      message: "must be above 0 where it is standard",
    });
  }
  if (taxCategory !== "standard" && taxRatePercent !== 0) {
    problems.push({
      field: `${at}.taxRatePercent`,
      message: `must be 0 where it is ${taxCategory}`,
    });
  }
  if (taxCategory === "exempt" && taxExemptionReason === undefined) {
    problems.push({
      field: `${at}.taxExemptionReason`,
      message: "is required where it is exempt",
    });
  }
  const gross = grossOf(line);
  const discount = BigInt(discountInCents);
  const sameSign = discount === 0n || discount < 0n === gross < 0n;
  if (!sameSign || absolute(discount) > absolute(gross)) {
    const message = "must lie between 0 and quantity × unit price";
    problems.push({ field: `${at}.discountInCents`, message });
  }
  return problems;
}

function discountProblems(at: string, discount: Discount): FieldProblem[] {
  const both = discount.discountPercent !== undefined && discount.discountInCents !== undefined;
  const message = "cannot be combined with discountPercent";
  return both ? [{ field: under(at)("discountInCents"), message }] : [];
}

function requireBearable(subtotal: number, { discountInCents = 0 }: Discount): void {
  if (discountInCents <= Math.max(0, subtotal)) return;
  const message = `must be at most the subtotal, ${subtotal}`;
  throw invalidFields([{ field: "discountInCents", message }]);
}

function computed(compute: () => Totals): Totals {
  try {
    return compute();
  } catch (error) {
    if (!(error instanceof AmountTooLarge)) throw error;
    const field = error.line === undefined ? "lineItems" : `lineItems.${error.line}`;
    throw invalidFields([{ field, message: "comes to an amount that is too large" }]);
  }
}

/** @throws VALIDATION_ERROR with the expected figures where the caller's differ */
function requireEqualFigures(
  sent: SentFigures & { lineItems?: readonly LineItemInput[] | undefined },
  totals: Omit<Totals, "lines">,
  priced: Totals["lines"],
): void {
  const problems = [
    ...differences("", sent, totals, ["subtotalInCents", "taxAmountInCents", "totalAmountInCents"]),
    ...(sent.lineItems ?? []).flatMap((line, index) =>
      differences(`lineItems.${index}`, line, priced[index] ?? {}, [
        "totalPriceInCents",
        "taxAmountInCents",
      ]),
    ),
  ];
  if (problems.length > 0) throw invalidFields(problems);
}

function differences<Figure extends string>(
  at: string,
  sent: Partial<Record<Figure, number | undefined>>,
  expected: Partial<Record<Figure, number>>,
  figures: readonly Figure[],
): FieldProblem[] {
  return figures.flatMap((figure) => {
    const right = expected[figure] ?? 0;
    if (sent[figure] === undefined || sent[figure] === right) return [];
    return [{ field: under(at)(figure), message: `must be ${right}`, expected: right }];
  });
}
