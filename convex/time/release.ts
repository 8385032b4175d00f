import type { MutationCtx } from "../_generated/server";
import type { WriteScope } from "../ontology/effects";
import type { ObjectDoc } from "../ontology/registry";
import { writeRows } from "./rows";

/** So many entries bills one invoice: all of them are written with it, and freed with it. */
export const MAX_BILLED = 500;

/**
 * Cancelled, credited in full or deleted, an invoice bills its time no longer: the next one can. The store
 * calls it with each write of an object, whatever way it came in.
 */
export async function releaseTime(
  ctx: MutationCtx,
  scope: WriteScope,
  before: ObjectDoc,
  after: ObjectDoc,
): Promise<void> {
  if (!isInvoice(before) || !isInvoice(after) || isVoid(before) || !isVoid(after)) return;
  const entries = await ctx.db
    .query("timeEntries")
    .withIndex("by_invoice", (q) =>
      q.eq("organizationId", after.organizationId).eq("invoiceId", after._id),
    )
    .take(MAX_BILLED);
  await writeRows({ ctx, scope }, entries, { invoiceId: undefined }, "freed");
}

function isInvoice(object: ObjectDoc): object is ObjectDoc<"invoice"> {
  return object.type === "invoice";
}

function isVoid({ status, lifecycle, customProperties: invoice }: ObjectDoc<"invoice">): boolean {
  const { amountCreditedInCents, totalAmountInCents } = invoice;
  if (status === "cancelled" || lifecycle === "deleted") return true;
  return amountCreditedInCents > 0 && amountCreditedInCents >= totalAmountInCents;
}
