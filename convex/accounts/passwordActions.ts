"use node";

import { v } from "convex/values";
import { internal } from "../_generated/api";
import { internalAction } from "../_generated/server";
import { bodyFields } from "../kit/bodyFields";
import { consultationArgs } from "../kit/outside";
import { type CaptchaOutcome, hasCaptcha, verifyCaptcha } from "./captcha";
import { hashPassword, needsRehash, verifyPassword } from "./hashing";
import type { Comparison, NewHash } from "./passwordFindings";
import { newPassword, LONGEST_PASSWORD } from "./passwordInput";
import type { KnownPassword } from "./passwordLookups";

/**
 * Hashing, in Node: a transaction has one second of code. What is found here is judged in the
 * transaction that follows, which also says what is wrong with the request's other fields: a body
 * that cannot be read costs no hash.
 */
const NOTHING: Comparison = {
  ...{ captcha: "not_asked", account: null, isRight: false, rehashed: null },
};

/** Of a password that nobody sends: the operator's. */
export const hash = internalAction({
  args: { password: v.string() },
  returns: v.string(),
  handler: async (_ctx, { password }): Promise<string> => await hashPassword(password),
});

/** Right or wrong, known or not: one hash run, and the same documents. */
export const compareForSignIn = internalAction({
  args: consultationArgs,
  returns: v.string(),
  handler: async (ctx, { request }): Promise<string> => {
    const { email, password, captchaToken } = bodyFields(request);
    if (!isAddress(email) || !isPassword(password)) return JSON.stringify(NOTHING);
    const isTriedOften = internal.accounts.passwordLookups.isTriedOften;
    const isAsked = hasCaptcha() && (await ctx.runMutation(isTriedOften, { email }));
    const captcha = isAsked ? await verifyCaptcha(captchaToken) : "not_asked";
    if (!passes(captcha)) return JSON.stringify({ ...NOTHING, captcha });
    const known = await ctx.runQuery(internal.accounts.passwordLookups.byEmail, { email });
    return JSON.stringify({ captcha, ...(await compared(password, known)) });
  },
});

/** The password of the person who is calling. */
export const compareForPerson = internalAction({
  args: consultationArgs,
  returns: v.string(),
  handler: async (ctx, { credential, request }): Promise<string> => {
    const { password } = bodyFields(request);
    if (!isPassword(password)) return JSON.stringify(NOTHING);
    const known = await ctx.runQuery(internal.accounts.passwordLookups.byCredential, {
      credential,
    });
    return JSON.stringify({ ...NOTHING, ...(await compared(password, known)) });
  },
});

export const hashForRegistration = internalAction({
  args: consultationArgs,
  returns: v.string(),
  handler: async (_ctx, { request }): Promise<string> => {
    const { email, name, password, captchaToken } = bodyFields(request);
    const captcha = await verifyCaptcha(captchaToken);
    const ownWords = [email, name].filter((word) => typeof word === "string");
    return JSON.stringify({
      captcha,
      ...(await hashed(passes(captcha) ? password : null, ownWords)),
    });
  },
});

export const hashForReset = internalAction({
  args: consultationArgs,
  returns: v.string(),
  handler: async (ctx, { request }): Promise<string> => {
    const { token, password } = bodyFields(request);
    const byToken = internal.accounts.passwordLookups.byResetToken;
    const known = typeof token === "string" ? await ctx.runMutation(byToken, { token }) : null;
    // A stranger's password is judged like any other: what is wrong with the token is said after it.
    const found = await hashed(password, known?.ownWords ?? [], { isKept: known !== null });
    return JSON.stringify({ captcha: "not_asked", ...found });
  },
});

/** The current password of the person who is calling, and the one that is to take its place. */
export const change = internalAction({
  args: consultationArgs,
  returns: v.string(),
  handler: async (ctx, { credential, request }): Promise<string> => {
    const { currentPassword, newPassword: next } = bodyFields(request);
    const known = await ctx.runQuery(internal.accounts.passwordLookups.byCredential, {
      credential,
    });
    const comparison = isPassword(currentPassword)
      ? await compared(currentPassword, known)
      : NOTHING;
    const isKept = comparison.isRight;
    const isSame = isKept && isPassword(next) && composed(next) === composed(currentPassword);
    const judged = isSame
      ? { weakness: "is the current one", hash: null }
      : await hashed(next, known.ownWords, { isKept });
    const found = { ...comparison, ...judged };
    return JSON.stringify({ ...NOTHING, ...found });
  },
});

async function compared(
  password: string,
  known: KnownPassword | null,
): Promise<Omit<Comparison, "captcha">> {
  const hash = known?.hash ?? null;
  const isRight = await verifyPassword(password, hash);
  const rehashed =
    isRight && hash !== null && needsRehash(hash) ? await hashPassword(password) : null;
  const account = known && { userId: known.userId, version: known.version };
  return { account, isRight, rehashed };
}

/** One that no schema would take is none: the transaction says so. `isKept`: whether it can come to be used. */
async function hashed(
  password: unknown,
  ownWords: readonly string[],
  { isKept = true }: { isKept?: boolean } = {},
): Promise<Omit<NewHash, "captcha">> {
  const read = newPassword().safeParse(password);
  if (!read.success) return { weakness: null, hash: null };
  const { weaknessOf } = await import("./strength");
  const weakness = weaknessOf(read.data, ownWords);
  if (weakness !== null || !isKept) return { weakness, hash: null };
  return { weakness, hash: await hashPassword(read.data) };
}

function passes(captcha: CaptchaOutcome): boolean {
  return captcha === "not_asked" || captcha === "good";
}

function isAddress(email: unknown): email is string {
  return typeof email === "string" && email.length > 0 && email.length <= 1000;
}

function composed(password: unknown): string {
  return typeof password === "string" ? password.normalize("NFC") : "";
}

function isPassword(password: unknown): password is string {
  return typeof password === "string" && password !== "" && password.length <= 2 * LONGEST_PASSWORD;
}
