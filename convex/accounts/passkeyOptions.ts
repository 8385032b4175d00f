import * as z from "zod";
import type { Doc } from "../_generated/dataModel";
import { once } from "../kit/once";
import { CHALLENGE_MS, type Challenge } from "./passkeyChallenges";
import { type Passkey, userHandleOf } from "./passkeys";
import { relyingParty } from "./relyingParty";
import { addressOf } from "./verified";

/**
 * What a page hands to the browser: `PublicKeyCredential.parseCreationOptionsFromJSON()` and
 * `parseRequestOptionsFromJSON()` read it (WebAuthn Level 3, 5.1.8 and 5.1.9).
 */
const descriptor = once(() =>
  z.object({ type: z.literal("public-key"), id: z.string(), transports: z.array(z.string()) }),
);
const verification = once(() => z.enum(["required", "preferred"]));

export const creationOptions = once(() =>
  z.object({
    challengeId: z.string(),
    options: z.object({
      rp: z.object({ id: z.string(), name: z.string() }),
      user: z.object({ id: z.string(), name: z.string(), displayName: z.string() }),
      challenge: z.string(),
      pubKeyCredParams: z.array(z.object({ type: z.literal("public-key"), alg: z.number() })),
      timeout: z.number(),
      attestation: z.literal("none"),
      excludeCredentials: z.array(descriptor()),
      authenticatorSelection: z.object({
        residentKey: z.literal("required"),
        requireResidentKey: z.literal(true),
        userVerification: verification(),
      }),
    }),
  }),
);

export const requestOptions = once(() =>
  z.object({
    challengeId: z.string(),
    options: z.object({
      rpId: z.string(),
      challenge: z.string(),
      timeout: z.number(),
      allowCredentials: z.array(descriptor()),
      userVerification: verification(),
    }),
  }),
);

/** For a passkey that signs in by itself: one that knows whose it is, and checks that it is they. */
export function creationOptionsFor(
  user: Doc<"users">,
  { _id, challenge }: Challenge,
  known: Passkey[],
): z.output<ReturnType<typeof creationOptions>> {
  const name = addressOf(user) ?? user.name;
  return {
    challengeId: _id,
    options: {
      rp: relyingParty(),
      user: { id: userHandleOf(user._id), name, displayName: user.name },
      challenge,
      pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: "public-key", alg })),
      timeout: CHALLENGE_MS,
      attestation: "none",
      excludeCredentials: known.map(descriptorOf),
      authenticatorSelection: {
        ...{ residentKey: "required", requireResidentKey: true, userVerification: "required" },
      },
    },
  };
}

/** @param allowed none: whichever the browser has for this host, and whose it is says the passkey */
export function requestOptionsFor(
  { _id, challenge, rpId, purpose }: Challenge,
  allowed: Passkey[],
): z.output<ReturnType<typeof requestOptions>> {
  const userVerification = purpose === "sign_in" ? "required" : "preferred";
  const allowCredentials = allowed.map(descriptorOf);
  const options = { rpId, challenge, timeout: CHALLENGE_MS, allowCredentials, userVerification };
  return { challengeId: _id, options: { ...options, userVerification } };
}

function descriptorOf({
  credentialId: id,
  transports,
}: Passkey): z.output<ReturnType<typeof descriptor>> {
  return { type: "public-key", id, transports };
}
