import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { sha256Hex } from "../kit/tokens";

/** Ten codes that are shown once, each good once, for who has lost their authenticator. */
const CODES = 10;
/** Crockford's Base32: nothing that is taken for something else on paper. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH = 16;
const GROUP = 4;

/** Ten new ones in the place of those of before; `abcd-efgh-jkmn-pqrs`. */
export async function renewRecoveryCodes(ctx: MutationCtx, userId: Id<"users">): Promise<string[]> {
  await forgetRecoveryCodes(ctx, userId);
  const createdAt = Date.now();
  const codes = Array.from({ length: CODES }, newCode);
  for (const code of codes) {
    await ctx.db.insert("recoveryCodes", { userId, codeHash: hashOf(code), createdAt });
  }
  return codes;
}

/** Uses a code up. Answers how many are left, or null for one that is wrong or was used. */
export async function useRecoveryCode(
  ctx: MutationCtx,
  userId: Id<"users">,
  code: string,
): Promise<number | null> {
  const row = await ctx.db
    .query("recoveryCodes")
    .withIndex("by_user", (q) => q.eq("userId", userId).eq("codeHash", hashOf(code)))
    .unique();
  if (!row || row.usedAt !== undefined) return null;
  await ctx.db.patch("recoveryCodes", row._id, { usedAt: Date.now() });
  return await recoveryCodesLeft(ctx, userId);
}

export async function recoveryCodesLeft(ctx: QueryCtx, userId: Id<"users">): Promise<number> {
  return (await codesOf(ctx, userId)).filter(({ usedAt }) => usedAt === undefined).length;
}

/** With the authenticator that they stand in for. */
export async function moveRecoveryCodes(
  ctx: MutationCtx,
  from: Id<"users">,
  to: Id<"users">,
): Promise<void> {
  await forgetRecoveryCodes(ctx, to);
  for (const { _id } of await codesOf(ctx, from)) {
    await ctx.db.patch("recoveryCodes", _id, { userId: to });
  }
}

export async function forgetRecoveryCodes(ctx: MutationCtx, userId: Id<"users">): Promise<void> {
  for (const { _id } of await codesOf(ctx, userId)) await ctx.db.delete("recoveryCodes", _id);
}

async function codesOf(ctx: QueryCtx, userId: Id<"users">): Promise<Doc<"recoveryCodes">[]> {
  return await ctx.db
    .query("recoveryCodes")
    .withIndex("by_user", (q) => q.eq("userId", userId))
    .collect();
}

function newCode(): string {
  const random = crypto.getRandomValues(new Uint8Array(LENGTH));
  const letters = Array.from(random, (byte) => ALPHABET[byte % ALPHABET.length]);
  const groups = Array.from({ length: LENGTH / GROUP }, (_, index) =>
    letters.slice(index * GROUP, (index + 1) * GROUP).join(""),
  );
  return groups.join("-");
}

/** In any case, with any spaces or dashes, and with the letters that are taken for digits. */
function hashOf(code: string): string {
  const read = code
    .toLowerCase()
    .replaceAll(/[^0-9a-z]/g, "")
    .replaceAll("o", "0")
    .replaceAll(/[il]/g, "1");
  return sha256Hex(read);
}
