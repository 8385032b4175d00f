import * as z from "zod";
import {
  endSession,
  endSessionsOf,
  lastUseOf,
  livingSessions,
  requireSession,
} from "../../accounts/sessions";
import { sessionRecord, sessionView } from "../../accounts/sessionView";
import { recordForPerson } from "../../accounts/trail";
import { noContent, ok } from "../../kit/endpoint";
import { personalReadEndpoint, personalWriteEndpoint } from "../../kit/personalEndpoint";

const tag = "Accounts";

const listing = {
  method: "GET",
  tag,
  summary: "List one's sessions, the last used first",
  description:
    "All that are living; an account has at most a hundred. `lastUsedAt` is kept to ten minutes.",
  list: true,
  answers: { 200: () => z.array(sessionRecord()) },
} as const;

export const list = personalReadEndpoint({ ...listing, path: "/auth/sessions" }, async (ctx) => {
  const sessions = await livingSessions(ctx, ctx.person._id);
  const shown = sessions
    .sort((a, b) => lastUseOf(b) - lastUseOf(a))
    .map((session) => sessionView(session, ctx.session));
  return ok(shown, { meta: { total: shown.length, limit: shown.length, nextCursor: null } });
});

export const end = personalWriteEndpoint(
  {
    method: "DELETE",
    path: "/auth/sessions/:id",
    tag,
    summary: "End one of one's sessions, at once",
    description: "With its access tokens and its live queries.",
    params: () => z.object({ id: z.string() }),
    answers: { 204: null },
    errors: ["NOT_FOUND"],
  },
  async (ctx, { params }) => {
    const session = await requireSession(ctx, ctx.person._id, params.id);
    await endSession(ctx, session);
    const changes = [{ field: "sessionId", before: session._id }];
    await recordForPerson(ctx, ctx.person, { action: "user.session_ended", changes }, ctx.request);
    return session._id === ctx.session?._id
      ? { ...noContent, cookie: "ended" as const }
      : noContent;
  },
);

export const endOthers = personalWriteEndpoint(
  {
    method: "DELETE",
    path: "/auth/sessions",
    tag,
    summary: "End all of one's sessions but the one that is calling",
    answers: { 204: null },
  },
  async (ctx) => {
    await endSessionsOf(ctx, ctx.person._id, { but: ctx.session?._id });
    await recordForPerson(ctx, ctx.person, { action: "user.sessions_ended" }, ctx.request);
    return noContent;
  },
);
