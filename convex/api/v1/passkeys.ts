import * as z from "zod";
import { tellOfFactors } from "../../accounts/factorChanges";
import { wrongProof } from "../../accounts/factorProofs";
import { livingUser } from "../../accounts/livingUser";
import { goodOneTimeToken, usedUp } from "../../accounts/oneTimeTokens";
import { issueChallenge, takeChallenge } from "../../accounts/passkeyChallenges";
import { passkeyAsserted, passkeyRegistered } from "../../accounts/passkeyFindings";
import { assertedCredential, registeredCredential } from "../../accounts/passkeyInput";
import {
  creationOptions,
  creationOptionsFor,
  requestOptions,
  requestOptionsFor,
} from "../../accounts/passkeyOptions";
import { provedByPasskey } from "../../accounts/passkeyProofs";
import {
  addPasskey,
  passkeysOf,
  requirePasskey,
  requireRoomForPasskey,
  usablePasskeys,
} from "../../accounts/passkeys";
import { passkeyRecord, passkeyView } from "../../accounts/passkeyView";
import { keepSecondFactors, requireProvenFactor } from "../../accounts/secondFactors";
import { noteAuthentication } from "../../accounts/sessions";
import { completeSignIn, signedIn } from "../../accounts/signIn";
import { created, noContent, ok } from "../../kit/endpoint";
import { ApiError } from "../../kit/errors";
import { exampleId } from "../../kit/exampleId";
import { personalReadEndpoint, personalWriteEndpoint } from "../../kit/personalEndpoint";
import { publicEndpoint } from "../../kit/publicEndpoint";
import { lineLabel } from "../../kit/text";

const tag = "Accounts";

export const options = personalWriteEndpoint(
  {
    method: "POST",
    path: "/auth/passkeys/options",
    tag,
    summary: "Begin to add a passkey",
    description:
      "`options` are for `navigator.credentials.create()`: `PublicKeyCredential.parseCreationOptionsFromJSON()` reads them. They are good for five minutes, once.",
    answers: { 200: creationOptions },
    errors: ["CONFLICT", "REAUTHENTICATION_REQUIRED"],
    needsRecentSignIn: true,
  },
  async (ctx) => {
    const { person, session } = ctx;
    await requireProvenFactor(ctx, person, session);
    await requireRoomForPasskey(ctx, person._id);
    const challenge = await issueChallenge(ctx, { purpose: "register", userId: person._id });
    const known = await usablePasskeys(ctx, person._id);
    return ok(creationOptionsFor(person, challenge, known));
  },
);

export const add = personalWriteEndpoint(
  {
    method: "POST",
    path: "/auth/passkeys",
    tag,
    summary: "Add a passkey",
    description:
      "`credential` is what `navigator.credentials.create()` gave, as its `toJSON()` has it. A passkey signs in by itself (POST /auth/passkeys/login), and is a second factor once an authenticator app is set up. An account has at most twenty.",
    body: () =>
      z.strictObject({
        challengeId: z.string().min(1).max(100),
        name: lineLabel(100),
        credential: registeredCredential(),
      }),
    example: {
      challengeId: exampleId("passkeyChallengeId"),
      name: "Laptop",
      credential: {
        id: exampleId("newPasskeyId"),
        rawId: exampleId("newPasskeyId"),
        type: "public-key",
        response: {
          clientDataJSON: exampleId("newPasskeyClientData"),
          attestationObject: exampleId("newPasskeyAttestation"),
          transports: ["internal"],
        },
      },
    },
    answers: { 201: passkeyRecord },
    errors: ["INVALID_CREDENTIALS", "GONE", "CONFLICT", "REAUTHENTICATION_REQUIRED"],
    consults: passkeyRegistered,
    triesTokens: true,
    takesSecret: true,
    needsRecentSignIn: true,
  },
  async (ctx, { body: { challengeId, name }, consulted }) => {
    const { person, session, request } = ctx;
    await requireProvenFactor(ctx, person, session);
    if (!consulted.isGood) throw wrongProof(`The passkey was refused: ${consulted.reason}`);
    const userId = person._id;
    await takeChallenge(ctx, consulted.challenge, { purpose: "register", userId, id: challengeId });
    const passkey = await addPasskey(ctx, userId, name, consulted);
    await keepSecondFactors(ctx, userId);
    if (session) await noteAuthentication(ctx, session, { isStrong: true });
    const changes = [{ field: "passkey", after: name }];
    await tellOfFactors(ctx, person, { change: "passkey_added", changes }, request);
    return created(passkeyView(passkey));
  },
);

const listing = {
  method: "GET",
  path: "/auth/passkeys",
  tag,
  summary: "List one's passkeys",
  list: true,
  answers: { 200: () => z.array(passkeyRecord()) },
} as const;

export const list = personalReadEndpoint(listing, async (ctx) => {
  const passkeys = (await passkeysOf(ctx, ctx.person._id)).map(passkeyView);
  return ok(passkeys, {
    meta: { total: passkeys.length, limit: passkeys.length, nextCursor: null },
  });
});

export const remove = personalWriteEndpoint(
  {
    method: "DELETE",
    path: "/auth/passkeys/:id",
    tag,
    summary: "Remove one of one's passkeys",
    description:
      "It is good for nothing here any more; the device keeps it until it is deleted there.",
    params: () => z.object({ id: z.string() }),
    answers: { 204: null },
    errors: ["NOT_FOUND", "REAUTHENTICATION_REQUIRED"],
    needsRecentSignIn: true,
  },
  async (ctx, { params }) => {
    const { person, session, request } = ctx;
    await requireProvenFactor(ctx, person, session);
    const passkey = await requirePasskey(ctx, person._id, params.id);
    await ctx.db.delete("passkeys", passkey._id);
    await keepSecondFactors(ctx, person._id);
    const changes = [{ field: "passkey", before: passkey.name }];
    await tellOfFactors(ctx, person, { change: "passkey_removed", changes }, request);
    return noContent;
  },
);

export const loginOptions = publicEndpoint(
  {
    method: "POST",
    path: "/auth/passkeys/login/options",
    tag,
    summary: "Ask for what a passkey is to sign",
    description:
      "`options` are for `navigator.credentials.get()`: `PublicKeyCredential.parseRequestOptionsFromJSON()` reads them; five minutes, once. For POST /auth/passkeys/login and /auth/reauthenticate; with the `mfaToken` of a sign-in, for its POST /auth/mfa/verify.",
    body: () => z.strictObject({ mfaToken: z.string().min(1).max(200).optional() }).optional(),
    example: {},
    answers: { 200: requestOptions },
    errors: ["GONE", "INVALID_STATE"],
    isNoTry: true,
  },
  async (ctx, { body }) => {
    if (body?.mfaToken === undefined) {
      return ok(requestOptionsFor(await issueChallenge(ctx, { purpose: "sign_in" }), []));
    }
    const row = await goodOneTimeToken(ctx, ["second_factor"], body.mfaToken);
    if (!row) throw usedUp();
    const { _id: userId } = await livingUser(ctx, row);
    const allowed = await usablePasskeys(ctx, userId);
    if (allowed.length === 0) {
      const message = "This account has no passkey for this host: use a code.";
      throw new ApiError("INVALID_STATE", message, { details: { status: "absent", allowed: [] } });
    }
    const challenge = await issueChallenge(ctx, { purpose: "second_factor", userId });
    return ok(requestOptionsFor(challenge, allowed));
  },
);

export const login = publicEndpoint(
  {
    method: "POST",
    path: "/auth/passkeys/login",
    tag,
    summary: "Sign in with a passkey",
    description:
      "It says itself whose it is, and checks its user: no second factor is asked for, and an account that wrong passwords have locked is open to it.",
    body: () =>
      z.strictObject({
        challengeId: z.string().min(1).max(100),
        credential: assertedCredential(),
        cookie: z.boolean().optional().meta({
          description: "Whether the answer sets the session cookie; from an allowed origin only.",
        }),
        deviceName: lineLabel(200).optional(),
      }),
    example: {
      challengeId: exampleId("signInChallengeId"),
      credential: {
        id: exampleId("passkeyId"),
        rawId: exampleId("passkeyId"),
        type: "public-key",
        response: {
          clientDataJSON: exampleId("passkeyClientData"),
          authenticatorData: exampleId("passkeyAuthenticatorData"),
          signature: exampleId("passkeySignature"),
        },
      },
    },
    literal: true,
    answers: { 200: signedIn },
    errors: ["INVALID_CREDENTIALS", "GONE", "CSRF_REJECTED"],
    consults: passkeyAsserted,
    setsCookie: "asked",
  },
  async (ctx, { body: { challengeId, cookie, deviceName }, consulted }) => {
    const asked = { purpose: "sign_in", challengeId } as const;
    const proved = await provedByPasskey(ctx, consulted, asked, ctx.request);
    if ("refusal" in proved) return proved;
    const how = { method: "passkey", deviceName, request: ctx.request, isStrong: true } as const;
    const result = await completeSignIn(ctx, proved.user, how);
    if (!result.isSignedIn) throw new Error("A passkey asks for a second factor.");
    const { body, session, token } = result;
    return ok(body, cookie ? { cookie: { token, expiresAt: session.expiresAt } } : {});
  },
);
