import { v } from "convex/values";
import { internalQuery } from "../_generated/server";
import { credentialValidator } from "../kit/caller";
import { cutShort } from "../kit/invisible";
import { identifyPerson } from "../kit/person";
import { passkeyByCredential } from "./passkeys";
import { serviceName } from "./relyingParty";
import { addressOf } from "./verified";

/** Longer names make a code that small cameras do not read. */
const LONGEST = 64;

/** What an authenticator app shows: who asks for codes, and whose they are. @throws as `identifyPerson` */
export const totpNames = internalQuery({
  args: { credential: credentialValidator },
  returns: v.object({ issuer: v.string(), account: v.string() }),
  handler: async (ctx, { credential }) => {
    const { person } = await identifyPerson(ctx, credential);
    return {
      issuer: cutShort(serviceName(), LONGEST),
      account: cutShort(addressOf(person) ?? person.name, LONGEST),
    };
  },
});

/** By what a passkey's signature is checked. */
export const passkey = internalQuery({
  args: { credentialId: v.string() },
  returns: v.union(
    v.object({ userId: v.string(), credentialId: v.string(), publicKey: v.string() }),
    v.null(),
  ),
  handler: async (ctx, { credentialId }) => {
    const known = await passkeyByCredential(ctx, credentialId);
    return known && { userId: known.userId, credentialId, publicKey: known.publicKey };
  },
});
