import * as z from "zod";
import type { Consultation } from "../kit/outside";
import { once } from "../kit/once";
import { comparison } from "./passwordFindings";

/**
 * What was found of a passkey's answer before a transaction: that its signature is good, and what it has
 * signed. Whether that was asked for, and only once, the transaction judges, which reads the challenge
 * and the passkey again.
 */
const refusedAnswer = once(() =>
  z.object({
    isGood: z.literal(false),
    /** Whose passkey it says to be of. */
    userId: z.string().nullable(),
    reason: z.string(),
  }),
);

export const assertion = once(() =>
  z.discriminatedUnion("isGood", [
    z.object({
      isGood: z.literal(true),
      credentialId: z.string(),
      challenge: z.string(),
      counter: z.number(),
      userVerified: z.boolean(),
      backedUp: z.boolean(),
      /** As the authenticator has kept it: the user's id. */
      userHandle: z.string().nullable(),
    }),
    refusedAnswer(),
  ]),
);
export type Assertion = z.output<ReturnType<typeof assertion>>;

export const registration = once(() =>
  z.discriminatedUnion("isGood", [
    z.object({
      isGood: z.literal(true),
      credentialId: z.string(),
      publicKey: z.string(),
      challenge: z.string(),
      counter: z.number(),
      transports: z.array(z.string()),
      backedUp: z.boolean(),
    }),
    refusedAnswer(),
  ]),
);
export type Registration = z.output<ReturnType<typeof registration>>;

/** Null where the body has none. */
const perhaps = once(() => z.object({ assertion: assertion().nullable() }));
const proof = once(() => perhaps().extend({ comparison: comparison().nullable() }));

export type PersonProof = z.output<ReturnType<typeof proof>>;

export const passkeyRegistered: Consultation<ReturnType<typeof registration>> = {
  action: "accounts/passkeyActions:register",
  found: registration,
};
export const passkeyAsserted: Consultation<ReturnType<typeof assertion>> = {
  action: "accounts/passkeyActions:assert",
  found: assertion,
};
export const factorProof: Consultation<ReturnType<typeof perhaps>> = {
  action: "accounts/proofs:ofFactor",
  found: perhaps,
};
export const personProof: Consultation<ReturnType<typeof proof>> = {
  action: "accounts/proofs:ofPerson",
  found: proof,
};
