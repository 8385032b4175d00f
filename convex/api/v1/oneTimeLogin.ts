import * as z from "zod";
import type { Id } from "../../_generated/dataModel";
import { currentUser, currentUserOf } from "../../accounts/currentUser";
import { handOver, takeOver } from "../../accounts/handover";
import { secondFactorNeeded } from "../../accounts/signIn";
import { ok } from "../../kit/endpoint";
import { exampleId } from "../../kit/exampleId";
import { personalWriteEndpoint } from "../../kit/personalEndpoint";
import { publicEndpoint } from "../../kit/publicEndpoint";

const tag = "Accounts";

export const sessionToken = personalWriteEndpoint(
  {
    method: "POST",
    path: "/auth/session-token",
    tag,
    summary: "Get a link that signs a browser in",
    description:
      "For the way from an app to the web: the link is good once, for 90 seconds, and begins with `APP_URL`. Its last part is the token for POST /auth/session-exchange.",
    literal: true,
    answers: { 200: () => z.object({ url: z.string() }) },
    secrets: ["url"],
  },
  async (ctx) => ok({ url: await handOver(ctx, ctx.person, ctx.session) }),
);

export const sessionExchange = publicEndpoint(
  {
    method: "POST",
    path: "/auth/session-exchange",
    tag,
    summary: "Sign a browser in by a one-time token",
    description:
      "Of POST /auth/session-token, or of a letter that POST /auth/magic-link sent. Sets the session cookie. Missing is 400; unknown, used or expired is 410. Who has a second factor, and comes by a letter, is asked for it: `mfaRequired`, and no cookie.",
    body: () => z.strictObject({ token: z.string().min(1).max(200) }),
    example: { token: exampleId("oneTimeToken") },
    literal: true,
    answers: {
      200: () =>
        z.union([
          z.object({ status: z.literal("success"), user: currentUser() }),
          secondFactorNeeded(),
        ]),
    },
    errors: ["GONE", "CSRF_REJECTED"],
    setsCookie: "always",
  },
  async (ctx, { body }) => {
    const { user, result } = await takeOver(ctx, body.token, ctx.request);
    if (!result.isSignedIn) return ok<ExchangeAnswer>(result.body);
    const { token, session, body: signedIn } = result;
    const organizationId = signedIn.organizationId as Id<"organizations"> | null;
    const shown = {
      status: "success",
      user: await currentUserOf(ctx, user, organizationId),
    } as const;
    return ok<ExchangeAnswer>(shown, { cookie: { token, expiresAt: session.expiresAt } });
  },
);

type ExchangeAnswer =
  | { status: "success"; user: z.output<ReturnType<typeof currentUser>> }
  | z.output<ReturnType<typeof secondFactorNeeded>>;
