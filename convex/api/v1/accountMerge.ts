import * as z from "zod";
import { mergeAccounts } from "../../accounts/merging";
import {
  issueOneTimeToken,
  requireLivingGiver,
  takeOneTimeToken,
} from "../../accounts/oneTimeTokens";
import { requireProvenFactor } from "../../accounts/secondFactors";
import { created, ok } from "../../kit/endpoint";
import { exampleId } from "../../kit/exampleId";
import { personalWriteEndpoint } from "../../kit/personalEndpoint";

/** Two accounts of one person become one, once both were proved. docs/accounts.md. */

const tag = "Accounts";

export const mergeToken = personalWriteEndpoint(
  {
    method: "POST",
    path: "/auth/merge/token",
    tag,
    summary: "Prove this account, to join it with another",
    description:
      "Signed in to the account that is to go. The token goes to POST /auth/merge, signed in to the one that stays; it is good for five minutes, once.",
    answers: { 201: () => z.object({ token: z.string(), expiresAt: z.number() }) },
    errors: ["REAUTHENTICATION_REQUIRED"],
    secrets: ["token"],
    needsRecentSignIn: true,
  },
  async (ctx) => {
    // Memberships go along, also of organizations that require what a password alone does not have.
    await requireProvenFactor(ctx, ctx.person, ctx.session);
    const issued = { purpose: "merge_accounts", userId: ctx.person._id } as const;
    const session = ctx.session ? { sessionId: ctx.session._id } : {};
    return created(await issueOneTimeToken(ctx, { ...issued, ...session }));
  },
);

export const merge = personalWriteEndpoint(
  {
    method: "POST",
    path: "/auth/merge",
    tag,
    summary: "Join another account of oneself with this one",
    description:
      "For good. What is the other's comes here: memberships (of two in one organization the higher role), accounts at providers, passkeys, connections, inbox; its authenticator, Clerk account, password, address and username where this one has none. Its sessions end. What was done under it stays in history under its id. Both addresses are told.",
    body: () => z.strictObject({ token: z.string().min(1).max(200) }),
    example: { token: exampleId("mergeToken") },
    answers: { 200: () => z.null() },
    errors: ["GONE", "CONFLICT", "REAUTHENTICATION_REQUIRED"],
    triesTokens: true,
    takesSecret: true,
    needsRecentSignIn: true,
  },
  async (ctx, { body }) => {
    const row = await takeOneTimeToken(ctx, ["merge_accounts"], body.token);
    await requireLivingGiver(ctx, row);
    const { userId } = row;
    await mergeAccounts(ctx, { stays: ctx.person, goesId: userId }, (id) => ctx.scopeIn(id));
    return ok(null);
  },
);
