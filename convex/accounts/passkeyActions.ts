"use node";

import { verifyAuthenticationResponse, verifyRegistrationResponse } from "@simplewebauthn/server";
import { v } from "convex/values";
import { base64url } from "jose";
import { internal } from "../_generated/api";
import { internalAction } from "../_generated/server";
import { bodyFields } from "../kit/bodyFields";
import { consultationArgs } from "../kit/outside";
import type { Assertion, Registration } from "./passkeyFindings";
import { assertedCredential, registeredCredential } from "./passkeyInput";
import { passkeyOrigins, relyingParty } from "./relyingParty";

/**
 * Signatures of passkeys, checked in Node: the library reads certificates with much code. Which challenge
 * was signed is handed on, and judged by the transaction that follows, as the signature's counter is.
 */
const UNREADABLE = { isGood: false, userId: null, reason: "unreadable" } as const;
/** ES256, EdDSA and RS256: what authenticators have, and what options ask for. */
const ALGORITHMS = [-7, -8, -257];

/** A new passkey, of the credential in the body. */
export const register = internalAction({
  args: consultationArgs,
  returns: v.string(),
  handler: async (_ctx, { request }): Promise<string> => {
    const read = registeredCredential().safeParse(bodyFields(request).credential);
    if (!read.success) return JSON.stringify(UNREADABLE);
    return JSON.stringify(await registered(read.data));
  },
});

async function registered(
  credential: ReturnType<ReturnType<typeof registeredCredential>["parse"]>,
): Promise<Registration> {
  const { transports = [], ...response } = credential.response;
  const signed = challengeThatWasSigned();
  try {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: { ...credential, response, clientExtensionResults: {} },
      expectedChallenge: signed.note,
      expectedOrigin: passkeyOrigins(),
      expectedRPID: relyingParty().id,
      supportedAlgorithmIDs: ALGORITHMS,
    });
    if (!verified) return { isGood: false, userId: null, reason: "The attestation is not good." };
    const { credential: made, credentialBackedUp: backedUp } = registrationInfo;
    return {
      ...{ isGood: true, credentialId: made.id, counter: made.counter, transports, backedUp },
      publicKey: base64url.encode(made.publicKey),
      challenge: signed.challenge(),
    };
  } catch (error) {
    return { isGood: false, userId: null, reason: messageOf(error) };
  }
}

/** A passkey's signature, of the credential in the body. */
export const assert = internalAction({
  args: consultationArgs,
  returns: v.string(),
  handler: async (ctx, { request }): Promise<string> => {
    const read = assertedCredential().safeParse(bodyFields(request).credential);
    if (!read.success) return JSON.stringify(UNREADABLE);
    const passkey = await ctx.runQuery(internal.accounts.factorLookups.passkey, {
      credentialId: read.data.id,
    });
    if (passkey === null) return JSON.stringify({ ...UNREADABLE, reason: "unknown" });
    return JSON.stringify(await asserted(read.data, passkey));
  },
});

async function asserted(
  credential: ReturnType<ReturnType<typeof assertedCredential>["parse"]>,
  { userId, credentialId, publicKey }: { userId: string; credentialId: string; publicKey: string },
): Promise<Assertion> {
  const { userHandle, ...response } = credential.response;
  const signed = challengeThatWasSigned();
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: { ...credential, response, clientExtensionResults: {} },
      expectedChallenge: signed.note,
      expectedOrigin: passkeyOrigins(),
      expectedRPID: relyingParty().id,
      requireUserVerification: false,
      // Its counter is compared where it is written, see passkeyProofs.ts.
      credential: {
        id: credentialId,
        publicKey: new Uint8Array(base64url.decode(publicKey)),
        counter: 0,
      },
    });
    if (!verified) return { isGood: false, userId, reason: "The signature is not good." };
    const { newCounter: counter, userVerified, credentialBackedUp: backedUp } = authenticationInfo;
    return {
      ...{ isGood: true, credentialId, counter, userVerified, backedUp },
      ...{ challenge: signed.challenge(), userHandle: userHandle ?? null },
    };
  } catch (error) {
    return { isGood: false, userId, reason: messageOf(error) };
  }
}

function challengeThatWasSigned(): {
  note: (challenge: string) => boolean;
  challenge: () => string;
} {
  let signed = "";
  return {
    note: (challenge) => {
      signed = challenge;
      return true;
    },
    challenge: () => signed,
  };
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 200);
}
