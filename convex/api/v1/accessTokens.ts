import * as z from "zod";
import { noteUse, authenticatedAtOf } from "../../accounts/sessions";
import { signAccessToken } from "../../accounts/signingKeys";
import { ok } from "../../kit/endpoint";
import { ApiError } from "../../kit/errors";
import { personalWriteEndpoint } from "../../kit/personalEndpoint";

/**
 * For a page that is signed in by the cookie, which it cannot read, and wants live queries. An access token
 * gets no other, or it would last as long as its session.
 */
export const issue = personalWriteEndpoint(
  {
    method: "POST",
    path: "/auth/access-token",
    tag: "Accounts",
    summary: "Get an access token of one's session",
    description:
      "For live queries of a page that is signed in by the session cookie, which it cannot read: after a sign-in at a provider or by a link. Takes the cookie or the session token; whoever has an access token gets the next by POST /auth/refresh. Good for 15 minutes, while the session is.",
    answers: { 200: () => z.object({ accessToken: z.string(), expiresIn: z.number() }) },
    errors: ["FORBIDDEN"],
    secrets: ["accessToken"],
  },
  async (ctx) => {
    const { person, session, shown } = ctx;
    if (session === null || shown !== "session") {
      const message =
        "Send the session cookie or the session token: an access token gets no other (POST /auth/refresh does).";
      throw new ApiError("FORBIDDEN", message);
    }
    await noteUse(ctx, session);
    const authTime = authenticatedAtOf(session);
    return ok(await signAccessToken(ctx, { userId: person._id, sessionId: session._id, authTime }));
  },
);
