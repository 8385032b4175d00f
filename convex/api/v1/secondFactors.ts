import * as z from "zod";
import type { Doc, Id } from "../../_generated/dataModel";
import { disableTotp, tellOfFactors } from "../../accounts/factorChanges";
import { exactlyOne, recoveryCode, totpCode } from "../../accounts/factorInput";
import { type GivenCode, refusalOfCode, wrongProof } from "../../accounts/factorProofs";
import { livingUser } from "../../accounts/livingUser";
import {
  goodOneTimeToken,
  noteWrongTry,
  takeOneTimeToken,
  usedUp,
} from "../../accounts/oneTimeTokens";
import { factorProof } from "../../accounts/passkeyFindings";
import { assertedCredential } from "../../accounts/passkeyInput";
import { provedByPasskey } from "../../accounts/passkeyProofs";
import { personCheck } from "../../accounts/passwordFindings";
import { givenPassword } from "../../accounts/passwordInput";
import { refusalOfOwnPassword } from "../../accounts/passwordRules";
import { renewRecoveryCodes } from "../../accounts/recoveryCodes";
import { keepSecondFactors, requireProvenFactor } from "../../accounts/secondFactors";
import { methodOf, noteAuthentication } from "../../accounts/sessions";
import { completeSignIn, signedIn } from "../../accounts/signIn";
import { totpDrawing, totpDrawn } from "../../accounts/totpDrawing";
import {
  beginTotp,
  begunTotp,
  confirmTotp,
  requireTotp,
  useTotpCode,
} from "../../accounts/totpSetup";
import { ok } from "../../kit/endpoint";
import { exampleId } from "../../kit/exampleId";
import { once } from "../../kit/once";
import { personalWriteEndpoint } from "../../kit/personalEndpoint";
import { publicEndpoint } from "../../kit/publicEndpoint";

const tag = "Accounts";

const recoveryCodes = once(() =>
  z.object({
    recoveryCodes: z.array(z.string()).meta({ description: "Ten; they are shown this once." }),
  }),
);

export const beginTotpSetup = personalWriteEndpoint(
  {
    method: "POST",
    path: "/auth/mfa/totp",
    tag,
    summary: "Begin to set up an authenticator app",
    description:
      "Nothing is asked for until a code of it has confirmed it (POST /auth/mfa/totp/confirm), within an hour. What was begun before is void.",
    answers: { 200: totpDrawing },
    errors: ["INVALID_STATE", "REAUTHENTICATION_REQUIRED"],
    consults: totpDrawn,
    needsRecentSignIn: true,
    secrets: ["secret", "otpauthUrl", "qrSvg", "qrPng"],
  },
  async (ctx, { consulted }) => {
    await beginTotp(ctx, ctx.person._id, consulted.secret);
    return ok(consulted);
  },
);

export const confirmTotpSetup = personalWriteEndpoint(
  {
    method: "POST",
    path: "/auth/mfa/totp/confirm",
    tag,
    summary: "Confirm an authenticator app by a code of it",
    description:
      "From now on a sign-in asks for a second factor. Answers ten recovery codes, which are shown this once. The code counts once, here too: signing in takes the next one.",
    body: () => z.strictObject({ code: totpCode() }),
    example: { code: exampleId("newTotpCode") },
    answers: { 200: recoveryCodes },
    errors: ["INVALID_CREDENTIALS", "INVALID_STATE", "REAUTHENTICATION_REQUIRED"],
    triesTokens: true,
    takesSecret: true,
    needsRecentSignIn: true,
  },
  async (ctx, { body: { code } }) => {
    const { person, session, request } = ctx;
    await requireProvenFactor(ctx, person, session);
    const totp = await begunTotp(ctx, person._id);
    if ((await useTotpCode(ctx, totp, code)) !== "right") {
      throw wrongProof("The code is wrong: is the clock of the device right?");
    }
    await confirmTotp(ctx, totp);
    const codes = await renewRecoveryCodes(ctx, person._id);
    await keepSecondFactors(ctx, person._id);
    if (session) await noteAuthentication(ctx, session, { isStrong: true });
    await tellOfFactors(ctx, person, { change: "totp_added" }, request);
    return ok({ recoveryCodes: codes });
  },
);

export const disableTotpSetup = personalWriteEndpoint(
  {
    method: "POST",
    path: "/auth/mfa/totp/disable",
    tag,
    summary: "Ask for no second factor any more",
    description:
      "Takes the authenticator app and the recovery codes away; passkeys stay. `code` may be a recovery code, for who has lost the app. Who has no password leaves it out.",
    body: () =>
      z.strictObject({
        password: givenPassword().optional(),
        code: z.union([totpCode(), recoveryCode()]),
      }),
    example: { password: "Lindenallee-47-Nord", code: exampleId("totpCode") },
    answers: { 200: () => z.null() },
    errors: ["INVALID_CREDENTIALS", "ACCOUNT_LOCKED", "INVALID_STATE", "REAUTHENTICATION_REQUIRED"],
    consults: personCheck,
    triesTokens: true,
    takesSecret: true,
    needsRecentSignIn: true,
  },
  async (ctx, { body: { code }, consulted }) => {
    const { person, request } = ctx;
    await requireTotp(ctx, person._id);
    if (person.passwordHash !== undefined) {
      const refusal = await refusalOfOwnPassword(ctx, person, consulted, request);
      if (refusal) return refusal;
    }
    const given: GivenCode = totpCode().safeParse(code).success ? { code } : { recoveryCode: code };
    const refusal = await refusalOfCode(ctx, person, given, request);
    if (refusal) return refusal;
    await disableTotp(ctx, person._id);
    await tellOfFactors(ctx, person, { change: "totp_removed" }, request);
    return ok(null);
  },
);

export const newRecoveryCodes = personalWriteEndpoint(
  {
    method: "POST",
    path: "/auth/mfa/recovery-codes",
    tag,
    summary: "Get ten new recovery codes",
    description: "Those of before are void.",
    answers: { 200: recoveryCodes },
    errors: ["INVALID_STATE", "REAUTHENTICATION_REQUIRED"],
    needsRecentSignIn: true,
    secrets: ["recoveryCodes"],
  },
  async (ctx) => {
    const { person, session, request } = ctx;
    await requireTotp(ctx, person._id);
    await requireProvenFactor(ctx, person, session);
    const codes = await renewRecoveryCodes(ctx, person._id);
    await keepSecondFactors(ctx, person._id);
    await tellOfFactors(ctx, person, { change: "recovery_codes_renewed" }, request);
    return ok({ recoveryCodes: codes });
  },
);

export const verify = publicEndpoint(
  {
    method: "POST",
    path: "/auth/mfa/verify",
    tag,
    summary: "Prove a second factor, and be signed in",
    description:
      "With the `mfaToken` of a sign-in, within five minutes: five wrong tries use it up (410). For a passkey, POST /auth/passkeys/login/options with the `mfaToken` gives the options. Ten wrong codes of an account within 15 minutes lock its codes for 15 minutes (423).",
    body: () =>
      z
        .strictObject({
          mfaToken: z.string().min(1).max(200),
          code: totpCode().optional(),
          recoveryCode: recoveryCode().optional(),
          credential: assertedCredential().optional(),
          cookie: z.boolean().optional().meta({
            description: "Whether the answer sets the session cookie; from an allowed origin only.",
          }),
        })
        .superRefine(exactlyOne("code", "recoveryCode", "credential")),
    example: { mfaToken: exampleId("mfaToken"), code: exampleId("totpCode") },
    literal: true,
    answers: { 200: signedIn },
    errors: ["INVALID_CREDENTIALS", "ACCOUNT_LOCKED", "GONE", "CSRF_REJECTED"],
    consults: factorProof,
    setsCookie: "asked",
  },
  async (ctx, { body, consulted: { assertion } }) => {
    const { mfaToken, code, recoveryCode: spare = "", cookie } = body;
    const row = await goodOneTimeToken(ctx, ["second_factor"], mfaToken);
    if (!row) throw usedUp();
    const user = await livingUser(ctx, row);
    const given: GivenCode = code === undefined ? { recoveryCode: spare } : { code };
    const proved =
      assertion === null
        ? await refusalOfCode(ctx, user, given, ctx.request)
        : await provedByPasskey(ctx, assertion, secondFactorOf(user), ctx.request);
    if (proved !== null && "refusal" in proved) {
      await noteWrongTry(ctx, row);
      return proved;
    }
    await takeOneTimeToken(ctx, ["second_factor"], mfaToken);
    const { deviceName } = row;
    const method = methodOf(row.signIn);
    const how = { method, deviceName, request: ctx.request, isStrong: true };
    const result = await completeSignIn(ctx, user, how);
    if (!result.isSignedIn) throw new Error("A second factor asks for another.");
    const { body: shown, session, token } = result;
    return ok(shown, cookie ? { cookie: { token, expiresAt: session.expiresAt } } : {});
  },
);

function secondFactorOf({ _id: owner }: Doc<"users">): {
  purpose: "second_factor";
  owner: Id<"users">;
} {
  return { purpose: "second_factor", owner };
}
