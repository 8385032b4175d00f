import * as z from "zod";
import { internal } from "../../_generated/api";
import { setProvedEmail, userByEmail } from "../../accounts/addresses";
import { sendLink, sendVerification } from "../../accounts/linkLetters";
import { languageOfPerson, queueAccountMail } from "../../accounts/mail";
import { livingUser } from "../../accounts/livingUser";
import { takeOneTimeToken, usedUp } from "../../accounts/oneTimeTokens";
import { provedByLetter, setPassword } from "../../accounts/passwordChanges";
import { passwordChange, personCheck, resetHash } from "../../accounts/passwordFindings";
import { givenPassword, newPassword } from "../../accounts/passwordInput";
import { refusalOfOwnPassword, usablePassword } from "../../accounts/passwordRules";
import { startSession } from "../../accounts/sessions";
import { newTokens, tokens } from "../../accounts/signIn";
import { recordForPerson } from "../../accounts/trail";
import { forgetTries, triesOf } from "../../accounts/tries";
import { emailKey } from "../../kit/email";
import { emailAddress } from "../../kit/emailInput";
import { ok } from "../../kit/endpoint";
import { exampleId } from "../../kit/exampleId";
import { once } from "../../kit/once";
import { personalWriteEndpoint } from "../../kit/personalEndpoint";
import { publicEndpoint } from "../../kit/publicEndpoint";

const tag = "Accounts";
const nothing = once(() => z.null());
const shownToken = once(() => z.string().min(1).max(200));
const letterDescription =
  "The answer is the same whether the address has an account or not. The link is good once.";

export const verifyEmail = publicEndpoint(
  {
    method: "POST",
    path: "/auth/verify-email",
    tag,
    summary: "Verify an e-mail by the token of a letter",
    description:
      "Of the letter that came after registering, or after asking for another e-mail. A token that is unknown, used or expired is 410.",
    body: () => z.strictObject({ token: shownToken() }),
    example: { token: exampleId("verificationToken") },
    answers: { 200: () => z.object({ email: z.string(), verifiedAt: z.number() }) },
    errors: ["GONE", "EMAIL_EXISTS"],
  },
  async (ctx, { body }) => {
    const row = await takeOneTimeToken(ctx, ["verify_email", "change_email"], body.token);
    const user = await livingUser(ctx, row);
    const email = row.email ?? "";
    if (row.purpose === "verify_email" && user.pendingEmailKey !== emailKey(email)) throw usedUp();
    await setProvedEmail(ctx, user, email);
    if (row.purpose === "change_email" && user.email !== undefined) {
      await queueAccountMail(ctx, {
        ...{ userId: user._id, to: user.email, language: languageOfPerson(user) },
        ...{ template: "email_changed", data: { email } },
      });
    }
    const action = row.purpose === "verify_email" ? "user.email_verified" : "user.email_changed";
    const before = user.email ?? user.pendingEmail;
    const changes = [{ field: "email", ...(before === undefined ? {} : { before }), after: email }];
    await recordForPerson(ctx, user, { action, changes }, ctx.request);
    return ok({ email, verifiedAt: Date.now() });
  },
);

export const resendVerification = personalWriteEndpoint(
  {
    method: "POST",
    path: "/auth/verify-email/resend",
    tag,
    summary: "Send the letter that verifies the e-mail again",
    description: "Earlier letters are void. Does nothing where the e-mail is verified.",
    answers: { 200: nothing },
    triesTokens: true,
  },
  async (ctx) => {
    await sendVerification(ctx, ctx.person);
    return ok(null);
  },
);

export const forgotPassword = publicEndpoint(
  {
    method: "POST",
    path: "/auth/forgot-password",
    tag,
    summary: "Ask for a letter that lets set a new password",
    description: letterDescription,
    body: () => z.strictObject({ email: emailAddress() }),
    example: { email: "mara.winter@atelier-winter.example" },
    answers: { 200: nothing },
  },
  async (ctx, { body: { email } }) => {
    const asked = { email, purpose: "reset_password", request: ctx.request } as const;
    await ctx.scheduler.runAfter(0, internal.accounts.linkLetters.sendAskedFor, asked);
    return ok(null);
  },
);

export const magicLink = publicEndpoint(
  {
    method: "POST",
    path: "/auth/magic-link",
    tag,
    summary: "Ask for a letter whose link signs in",
    description: `${letterDescription} Its token goes to POST /auth/session-exchange, within 15 minutes. An organization may forbid it (\`magicLinkSignIn\`). A second factor is asked for as ever.`,
    body: () => z.strictObject({ email: emailAddress() }),
    example: { email: "mara.winter@atelier-winter.example" },
    answers: { 200: nothing },
  },
  async (ctx, { body: { email } }) => {
    const asked = { email, purpose: "magic_link", request: ctx.request } as const;
    await ctx.scheduler.runAfter(0, internal.accounts.linkLetters.sendAskedFor, asked);
    return ok(null);
  },
);

export const resetPassword = publicEndpoint(
  {
    method: "POST",
    path: "/auth/reset-password",
    tag,
    summary: "Set a new password by the token of a letter",
    description:
      "Ends all sessions, and signs nobody in; a second factor stays. A token that is unknown, used or expired is 410.",
    body: () => z.strictObject({ token: shownToken(), password: newPassword() }),
    example: { token: exampleId("resetToken"), password: "Kastanienweg-12-West" },
    answers: { 200: nothing },
    errors: ["GONE"],
    consults: resetHash,
  },
  async (ctx, { body, consulted }) => {
    const row = await takeOneTimeToken(ctx, ["reset_password"], body.token);
    const user = await provedByLetter(ctx, await livingUser(ctx, row), row);
    const hash = usablePassword("password", consulted);
    await setPassword(ctx, user, hash, { action: "user.password_reset" }, ctx.request);
    return ok(null);
  },
);

export const unlock = publicEndpoint(
  {
    method: "POST",
    path: "/auth/unlock",
    tag,
    summary: "Open a locked account by the token of a letter",
    body: () => z.strictObject({ token: shownToken() }),
    example: { token: exampleId("unlockToken") },
    answers: { 200: nothing },
    errors: ["GONE"],
  },
  async (ctx, { body }) => {
    const row = await takeOneTimeToken(ctx, ["unlock"], body.token);
    const user = await livingUser(ctx, row);
    await forgetTries(ctx, await triesOf(ctx, row.email ?? ""));
    await recordForPerson(ctx, user, { action: "user.unlocked" }, ctx.request);
    return ok(null);
  },
);

export const changePassword = personalWriteEndpoint(
  {
    method: "POST",
    path: "/auth/change-password",
    tag,
    summary: "Change one's password",
    description:
      "Ends all other sessions. Who has none yet, because they sign in with Clerk or a provider, gets their first one by POST /auth/forgot-password.",
    body: () => z.strictObject({ currentPassword: givenPassword(), newPassword: newPassword() }),
    example: { currentPassword: "Lindenallee-47-Nord", newPassword: "Kastanienweg-12-West" },
    literal: true,
    answers: { 200: tokens },
    errors: ["INVALID_CREDENTIALS", "ACCOUNT_LOCKED"],
    consults: passwordChange,
    triesTokens: true,
    takesSecret: true,
  },
  async (ctx, { consulted }) => {
    const { person, request } = ctx;
    const refusal = await refusalOfOwnPassword(ctx, person, consulted, request);
    if (refusal) return refusal;
    const hash = usablePassword("newPassword", consulted);
    const but = ctx.session;
    await setPassword(ctx, person, hash, { but, action: "user.password_changed" }, request);
    const session =
      but ?? (await startSession(ctx, person._id, { method: "password", request })).session;
    return ok(await newTokens(ctx, session));
  },
);

export const changeEmail = personalWriteEndpoint(
  {
    method: "POST",
    path: "/auth/change-email",
    tag,
    summary: "Ask for another e-mail",
    description:
      "It is the account's once the letter to it is answered (POST /auth/verify-email); the one before is told at once, and again then. An address that is another account's gets no letter, and the answer is the same.",
    body: () => z.strictObject({ email: emailAddress(), password: givenPassword() }),
    example: { email: "mara@winter-design.example", password: "Lindenallee-47-Nord" },
    answers: { 200: nothing },
    errors: ["INVALID_CREDENTIALS", "ACCOUNT_LOCKED", "REAUTHENTICATION_REQUIRED"],
    consults: personCheck,
    triesTokens: true,
    takesSecret: true,
    needsRecentSignIn: true,
  },
  async (ctx, { body: { email }, consulted }) => {
    const { person, request } = ctx;
    const refusal = await refusalOfOwnPassword(ctx, person, consulted, request);
    if (refusal) return refusal;
    // Whose an address is nobody learns here; of one that is somebody's no letter goes out.
    if (!(await userByEmail(ctx, email))) await sendLink(ctx, person, "change_email", email);
    const to = person.email;
    if (to !== undefined) {
      await queueAccountMail(ctx, {
        ...{ userId: person._id, to, language: languageOfPerson(person) },
        ...{ template: "email_change_notice", data: { email } },
      });
    }
    const changes = [{ field: "email", after: email }];
    const action = "user.email_change_asked";
    await recordForPerson(ctx, person, { action, changes }, request);
    return ok(null);
  },
);
