import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { isTest } from "../kit/mode";
import type { Seller } from "../schemas/documentSchemas";

/**
 * Who an organization was when it issued a document: its settings by their version, with the logo of
 * that time. One row serves all documents that were issued under the same version.
 */
type Organization = Doc<"organizations">;
export type Logo = Doc<"organizationLogos">;
export type SellerRow = Doc<"sellers">;

/** The picture on the letterhead at present. */
export async function presentLogo(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
): Promise<Logo | null> {
  return await ctx.db
    .query("organizationLogos")
    .withIndex("present", (q) => q.eq("organizationId", organizationId).eq("replacedAt", undefined))
    .unique();
}

/** The row of the present settings, which is made where there is none yet. */
export async function keepSeller(
  ctx: MutationCtx,
  organization: Organization,
): Promise<Id<"sellers">> {
  const { _id: organizationId, version } = organization;
  const known = await ctx.db
    .query("sellers")
    .withIndex("by_organization", (q) =>
      q.eq("organizationId", organizationId).eq("version", version),
    )
    .first();
  if (known) return known._id;
  const logo = await presentLogo(ctx, organizationId);
  return await ctx.db.insert("sellers", {
    organizationId,
    version,
    seller: sellerOf(organization),
    ...(logo ? { logoId: logo._id } : {}),
  });
}

/**
 * Before settings change: those of documents that were issued before documents were frozen are kept,
 * as far back as is known. They are the oldest row.
 */
export async function keepFirstSeller(ctx: MutationCtx, organization: Organization): Promise<void> {
  if (!(await firstSeller(ctx, organization._id))) await keepSeller(ctx, organization);
}

/** Who had issued documents when the first of the rows was written; null before that. */
export async function firstSeller(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
): Promise<SellerRow | null> {
  return await ctx.db
    .query("sellers")
    .withIndex("by_organization", (q) => q.eq("organizationId", organizationId))
    .first();
}

/** Whether an issued document may bear the picture. */
export async function isBorne(ctx: QueryCtx, logoId: Id<"organizationLogos">): Promise<boolean> {
  const row = await ctx.db
    .query("sellers")
    .withIndex("by_logo", (q) => q.eq("logoId", logoId))
    .first();
  return row !== null;
}

/** Of an organization's settings, what its documents say. */
export function sellerOf(organization: Organization): Seller {
  const { name, legalName, address, sender, bankDetails, taxIds } = organization;
  const { locale, timeZone, invoiceFooter } = organization;
  return {
    ...{ name, locale, timeZone },
    ...(isTest(organization) ? { mode: "test" as const } : {}),
    ...(legalName === undefined ? {} : { legalName }),
    ...(address === undefined ? {} : { address }),
    ...(sender === undefined ? {} : { sender }),
    ...(bankDetails === undefined ? {} : { bankDetails }),
    ...(taxIds === undefined ? {} : { taxIds }),
    ...(invoiceFooter === undefined ? {} : { invoiceFooter }),
  };
}
