import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { isTest } from "../kit/mode";

/**
 * The next number of an organization's series (`project:2026`), from 1, without gaps or repeats: the
 * row is read and written in the transaction that uses the number, so that concurrent ones take
 * turns, and one that rolls back leaves no gap.
 */
export async function nextSerial(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  series: string,
): Promise<number> {
  return await nextSerials(ctx, organizationId, series, 1);
}

/** As many numbers at once, one after another: the first of them. */
export async function nextSerials(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  series: string,
  count: number,
): Promise<number> {
  const row = await rowOf(ctx, organizationId, series);
  const before = row?.last ?? 0;
  const last = before + count;
  if (row) await ctx.db.patch("serials", row._id, { last });
  else await ctx.db.insert("serials", { organizationId, series, last });
  return before + 1;
}

/** The number that the series has reached; 0 before the first. */
export async function lastSerial(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  series: string,
): Promise<number> {
  return (await rowOf(ctx, organizationId, series))?.last ?? 0;
}

const TEST = "TEST-";

/**
 * A number as the organization's objects bear it: in a test organization it begins with `TEST-`, also
 * one that is given by hand, so that the same requests work in both and no paper is taken for real.
 */
export function numberIn(organization: Pick<Doc<"organizations">, "mode">, number: string): string {
  if (!isTest(organization)) return number;
  return TEST + (number.toUpperCase().startsWith(TEST) ? number.slice(TEST.length) : number);
}

/** Three digits, and more after 999. */
export function serialText(serial: number): string {
  return String(serial).padStart(3, "0");
}

async function rowOf(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  series: string,
): Promise<Doc<"serials"> | null> {
  return await ctx.db
    .query("serials")
    .withIndex("by_series", (q) => q.eq("organizationId", organizationId).eq("series", series))
    .unique();
}
