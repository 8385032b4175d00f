import * as z from "zod";
import type { Doc } from "../../_generated/dataModel";
import { exactlyOne, totpCode } from "../../accounts/factorInput";
import { refusalOfCode } from "../../accounts/factorProofs";
import { refusalOfOwnPassword, signInByPassword } from "../../accounts/passwordRules";
import { type PersonProof, personProof } from "../../accounts/passkeyFindings";
import { assertedCredential } from "../../accounts/passkeyInput";
import { provedByPasskey } from "../../accounts/passkeyProofs";
import { registrationHash, signInCheck } from "../../accounts/passwordFindings";
import { givenPassword, newPassword } from "../../accounts/passwordInput";
import { reportReuse } from "../../accounts/reuse";
import { useRefreshToken } from "../../accounts/refreshTokens";
import { sessionOf } from "../../accounts/ownSession";
import { register as registerAccount } from "../../accounts/registration";
import { endSession, endSessionsOf, noteAuthentication } from "../../accounts/sessions";
import { newTokens, signedIn, signedInOrAsked, signInAnswer, tokens } from "../../accounts/signIn";
import { recordForPerson } from "../../accounts/trail";
import { created, noContent, ok } from "../../kit/endpoint";
import { emailAddress } from "../../kit/emailInput";
import { exampleId } from "../../kit/exampleId";
import { once } from "../../kit/once";
import { organizationSettings } from "../../kit/organizationSettings";
import { type PersonalWriteContext, personalWriteEndpoint } from "../../kit/personalEndpoint";
import { publicEndpoint } from "../../kit/publicEndpoint";
import { type Refusal, refused } from "../../kit/reply";
import { lineLabel } from "../../kit/text";
import { unauthorized } from "../../kit/unauthorized";

const tag = "Accounts";

const browser = once(() => ({
  cookie: z.boolean().optional().meta({
    description: "Whether the answer sets the session cookie; from an allowed origin only.",
  }),
  captchaToken: z.string().max(4096).optional().meta({
    description: "Of the CAPTCHA, where the deployment has one (`CAPTCHA_SECRET`).",
  }),
  deviceName: lineLabel(200).optional(),
}));

export const register = publicEndpoint(
  {
    method: "POST",
    path: "/auth/register",
    tag,
    summary: "Register with a password",
    description:
      "Signs in at once. A letter with a link is sent to the e-mail, which is the account's once it is verified; until then the account may not invite, send, connect or make keys. With `organizationName` an organization is founded, with `inviteToken` the invite to this e-mail is accepted, in the same transaction.",
    body: () =>
      z.strictObject({
        email: emailAddress(),
        password: newPassword(),
        name: lineLabel(100).min(2, "must have at least 2 characters"),
        organizationName: organizationSettings().shape.name.optional(),
        inviteToken: z.string().min(1).max(200).optional(),
        ...browser(),
      }),
    example: {
      email: "mara.winter@atelier-winter.example",
      password: "Lindenallee-47-Nord",
      name: "Mara Winter",
      organizationName: "Atelier Winter",
    },
    literal: true,
    answers: { 201: signedIn },
    errors: ["EMAIL_EXISTS", "FORBIDDEN", "GONE", "CAPTCHA_REQUIRED", "CSRF_REJECTED"],
    consults: registrationHash,
    setsCookie: "asked",
  },
  async (ctx, { body, consulted }) => {
    const result = await registerAccount(ctx, body, consulted, ctx.request);
    if (!result.isSignedIn) throw new Error("A new account has a second factor.");
    const { cookie } = signInAnswer(result, body.cookie);
    return created(result.body, { cookie });
  },
);

export const login = publicEndpoint(
  {
    method: "POST",
    path: "/auth/login",
    tag,
    summary: "Sign in with a password",
    description:
      "Unknown and wrong have one answer, in the same time. Ten wrong passwords of an e-mail within 15 minutes lock it for 15 minutes, also for the right one (423); a link to open it is mailed. Who has set up a second factor is asked for it: `mfaRequired`.",
    body: () =>
      z.strictObject({
        email: emailAddress(),
        password: givenPassword(),
        ...browser(),
      }),
    example: { email: "jonas.weber@studio-morgenrot.example", password: "Lindenallee-47-Nord" },
    literal: true,
    answers: { 200: signedInOrAsked },
    errors: ["INVALID_CREDENTIALS", "ACCOUNT_LOCKED", "CAPTCHA_REQUIRED", "CSRF_REJECTED"],
    consults: signInCheck,
    setsCookie: "asked",
  },
  async (ctx, { body, consulted }) => {
    const result = await signInByPassword(ctx, body, consulted, ctx.request);
    return "refusal" in result ? result : signInAnswer(result, body.cookie);
  },
);

export const refresh = publicEndpoint(
  {
    method: "POST",
    path: "/auth/refresh",
    tag,
    summary: "Get new tokens for a refresh token",
    description:
      "A refresh token is good for seven days and used once; within ten seconds of its first use it gives more tokens of the same session (two tabs, a lost answer). One that comes later than that ends its session: it was stolen from somebody. A session ends 30 days after it began.",
    body: () => z.strictObject({ refreshToken: z.string().min(1).max(200) }),
    example: { refreshToken: exampleId("refreshToken") },
    literal: true,
    answers: { 200: tokens },
    errors: ["UNAUTHORIZED"],
    isNoTry: true,
  },
  async (ctx, { body }) => {
    const used = await useRefreshToken(ctx, body.refreshToken);
    if (used.outcome === "good") return ok(await newTokens(ctx, used.session));
    if (used.outcome === "reused") await reportReuse(ctx, used.session, ctx.request);
    return refused(unauthorized("refresh_used"));
  },
);

export const logout = personalWriteEndpoint(
  {
    method: "POST",
    path: "/auth/logout",
    tag,
    summary: "End the session that is calling",
    description: "With `everywhere` all sessions of the account. Takes the session cookie away.",
    body: () => z.strictObject({ everywhere: z.boolean().optional() }).optional(),
    example: { everywhere: true },
    answers: { 204: null },
  },
  async (ctx, { body }) => {
    if (body?.everywhere) await endSessionsOf(ctx, ctx.person._id);
    else if (ctx.session) await endSession(ctx, ctx.session);
    const action = body?.everywhere ? "user.signed_out_everywhere" : "user.signed_out";
    await recordForPerson(ctx, ctx.person, { action }, ctx.request);
    return { ...noContent, cookie: "ended" as const };
  },
);

export const reauthenticate = personalWriteEndpoint(
  {
    method: "POST",
    path: "/auth/reauthenticate",
    tag,
    summary: "Prove once more who is calling",
    description:
      "What can lock its owner out asks for a sign-in of the last ten minutes (`REAUTHENTICATION_REQUIRED`); this makes the session that is calling recent again. Its next access token says so (`auth_time`).",
    body: () =>
      z
        .strictObject({
          password: givenPassword().optional(),
          code: totpCode().optional(),
          credential: assertedCredential().optional(),
        })
        .superRefine(exactlyOne("password", "code", "credential")),
    example: { password: "Lindenallee-47-Nord" },
    answers: { 200: () => z.object({ authenticatedAt: z.number() }) },
    errors: ["INVALID_CREDENTIALS", "ACCOUNT_LOCKED", "INVALID_STATE", "GONE"],
    consults: personProof,
    triesTokens: true,
    takesSecret: true,
  },
  async (ctx, { body: { code }, consulted }) => {
    const session = sessionOf(ctx);
    const proved = await provedAgain(ctx, code, consulted);
    if (proved !== null && "refusal" in proved) return proved;
    const isStrong = consulted.comparison === null;
    const authenticatedAt = await noteAuthentication(ctx, session, { isStrong });
    await recordForPerson(ctx, ctx.person, { action: "user.reauthenticated" }, ctx.request);
    return ok({ authenticatedAt });
  },
);

/** By a passkey, a code or the password: whichever the body has. */
async function provedAgain(
  ctx: PersonalWriteContext,
  code: string | undefined,
  { assertion, comparison }: PersonProof,
): Promise<{ user: Doc<"users"> } | Refusal | null> {
  const { person, request } = ctx;
  if (assertion) {
    const asked = { purpose: "sign_in", owner: person._id } as const;
    return await provedByPasskey(ctx, assertion, asked, request);
  }
  if (code !== undefined) return await refusalOfCode(ctx, person, { code }, request);
  if (!comparison) throw new Error("A password was not compared.");
  return await refusalOfOwnPassword(ctx, person, comparison, request);
}
