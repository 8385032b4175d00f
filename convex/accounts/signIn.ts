import * as z from "zod";
import type { Doc } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { once } from "../kit/once";
import { ok, type Answer } from "../kit/reply";
import type { RequestOrigin } from "../kit/requestOrigin";
import { noteDevice } from "./devices";
import { languageOfPerson, queueAccountMail } from "./mail";
import { oldestOrganization } from "./memberships";
import { issueOneTimeToken } from "./oneTimeTokens";
import { issueRefreshToken } from "./refreshTokens";
import { type SecondFactor, secondFactorsNow } from "./secondFactors";
import {
  authenticatedAtOf,
  noteUse,
  type Session,
  type SignInMethod,
  startSession,
} from "./sessions";
import { signAccessToken } from "./signingKeys";
import { recordForPerson } from "./trail";
import { addressOf } from "./verified";

/** Where every way to sign in ends. */
type User = Doc<"users">;

export type SignInHow = {
  method: SignInMethod;
  request: RequestOrigin;
  deviceName?: string | undefined;
  /** A second factor has been proved with it, or is in it: a passkey that checks its user. */
  isStrong?: boolean;
  /** The account has just been made: that it signs in is no news to anybody. */
  isFirst?: boolean;
  /** Handed on by a session: nothing is asked for that was asked for there. */
  handedOnBy?: { authenticatedAt: number };
};

const SECOND_FACTOR_TRIES = 5;

export const tokens = once(() =>
  z.object({
    accessToken: z.string(),
    refreshToken: z.string(),
    expiresIn: z.number().meta({ description: "Of the access token, in seconds (RFC 6749)." }),
  }),
);

/** PA1 and PA2, as documented. */
export const signedIn = once(() =>
  z.object({
    user: z.object({
      id: z.string(),
      email: z.string().nullable(),
      name: z.string(),
      createdAt: z.string().meta({ description: "ISO 8601." }),
    }),
    tokens: tokens(),
    sessionToken: z.string(),
    organizationId: z.string().nullable().meta({ description: "The oldest that they belong to." }),
  }),
);
export type SignedIn = z.output<ReturnType<typeof signedIn>>;

export const secondFactorNeeded = once(() =>
  z.object({
    mfaRequired: z.literal(true),
    mfaToken: z
      .string()
      .meta({ description: "For POST /auth/mfa/verify: five minutes, five tries." }),
    methods: z.array(z.enum(["totp", "recovery_code", "passkey"])),
  }),
);
export type SecondFactorNeeded = { mfaRequired: true; mfaToken: string; methods: SecondFactor[] };

export const signedInOrAsked = once(() => z.union([signedIn(), secondFactorNeeded()]));

export type SignInResult =
  | { isSignedIn: true; body: SignedIn; session: Session; token: string }
  | { isSignedIn: false; body: SecondFactorNeeded };

/** Starts the session of who has proved who they are, or asks for their second factor. */
export async function completeSignIn(
  ctx: MutationCtx,
  user: User,
  how: SignInHow,
): Promise<SignInResult> {
  const factors = how.isStrong || how.handedOnBy ? [] : await secondFactorsNow(ctx, user);
  if (factors.length > 0) {
    const { token } = await issueOneTimeToken(ctx, {
      ...{ purpose: "second_factor", userId: user._id },
      ...{ signIn: how.method, triesLeft: SECOND_FACTOR_TRIES },
      ...(how.deviceName === undefined ? {} : { deviceName: how.deviceName }),
    });
    return { isSignedIn: false, body: { mfaRequired: true, mfaToken: token, methods: factors } };
  }
  const { session, token } = await startSession(ctx, user._id, { ...how, ...how.handedOnBy });
  await tellOfNewDevice(ctx, user, how);
  const changes = [{ field: "method", after: how.method }];
  await recordForPerson(ctx, user, { action: "user.signed_in", changes }, how.request);
  return { isSignedIn: true, body: await bodyOf(ctx, user, session, token), session, token };
}

/** The answer of an endpoint that signs in; with a cookie where the browser asked for one. */
export function signInAnswer(
  result: SignInResult,
  wantsCookie = false,
): Answer<SignedIn | SecondFactorNeeded> {
  if (!result.isSignedIn) return ok(result.body);
  const { body, session, token } = result;
  const cookie = wantsCookie ? { token, expiresAt: session.expiresAt } : undefined;
  return ok<SignedIn | SecondFactorNeeded>(body, { cookie });
}

export async function bodyOf(
  ctx: MutationCtx,
  user: User,
  session: Session,
  sessionToken: string,
): Promise<SignedIn> {
  return {
    user: {
      id: user._id,
      email: addressOf(user),
      name: user.name,
      createdAt: new Date(user.createdAt).toISOString(),
    },
    tokens: await newTokens(ctx, session),
    sessionToken,
    organizationId: await oldestOrganization(ctx, user._id),
  };
}

/** An access token and the refresh token that follows it; the session has its seven days anew. */
export async function newTokens(
  ctx: MutationCtx,
  session: Session,
): Promise<z.output<ReturnType<typeof tokens>>> {
  await noteUse(ctx, session);
  const { userId, _id: sessionId } = session;
  const authTime = authenticatedAtOf(session);
  const { accessToken, expiresIn } = await signAccessToken(ctx, { userId, sessionId, authTime });
  return { accessToken, refreshToken: await issueRefreshToken(ctx, session), expiresIn };
}

async function tellOfNewDevice(
  ctx: MutationCtx,
  user: User,
  { request: { ip, userAgent }, deviceName, isFirst = false }: SignInHow,
): Promise<void> {
  const isNew = await noteDevice(ctx, user._id, { userAgent, deviceName });
  const to = addressOf(user);
  if (!isNew || isFirst || to === null) return;
  await queueAccountMail(ctx, {
    ...{ userId: user._id, to, language: languageOfPerson(user), template: "new_device" },
    data: { ...(userAgent === null ? {} : { userAgent }), ...(ip === null ? {} : { ip }) },
  });
}
