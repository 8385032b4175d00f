import * as z from "zod";
import type { Consultation } from "../kit/outside";
import { once } from "../kit/once";

/**
 * What the Node actions of passwordActions.ts find before a transaction. It may be out of date by then:
 * the transaction reads the account again, and takes what was found only for the password of then.
 */
const captcha = once(() => z.enum(["not_asked", "missing", "refused", "good"]));

const account = once(() => z.object({ userId: z.string(), version: z.number() }));

/** A password was compared with the account's. */
export const comparison = once(() =>
  z.object({
    captcha: captcha(),
    /** Null where there is none, or it has no password. */
    account: account().nullable(),
    isRight: z.boolean(),
    /** The same password by the parameters of today. */
    rehashed: z.string().nullable(),
  }),
);
export type Comparison = z.output<ReturnType<typeof comparison>>;

/** A new password was judged and hashed. */
export const newHash = once(() =>
  z.object({
    captcha: captcha(),
    /** What is wrong with it; null where it was hashed. */
    weakness: z.string().nullable(),
    hash: z.string().nullable(),
  }),
);
export type NewHash = z.output<ReturnType<typeof newHash>>;

export const changedPassword = once(() => comparison().extend(newHash().shape));

export const signInCheck: Consultation<ReturnType<typeof comparison>> = {
  action: "accounts/passwordActions:compareForSignIn",
  found: comparison,
};
export const personCheck: Consultation<ReturnType<typeof comparison>> = {
  action: "accounts/passwordActions:compareForPerson",
  found: comparison,
};
export const registrationHash: Consultation<ReturnType<typeof newHash>> = {
  action: "accounts/passwordActions:hashForRegistration",
  found: newHash,
};
export const resetHash: Consultation<ReturnType<typeof newHash>> = {
  action: "accounts/passwordActions:hashForReset",
  found: newHash,
};
export const passwordChange: Consultation<ReturnType<typeof changedPassword>> = {
  action: "accounts/passwordActions:change",
  found: changedPassword,
};
