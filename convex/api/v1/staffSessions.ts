import * as z from "zod";
import {
  endSession,
  endSessionsOf,
  lastUseOf,
  livingSessions,
  requireSession,
} from "../../accounts/sessions";
import { sessionRecord, type SessionRecord, sessionView } from "../../accounts/sessionView";
import { recordForPerson } from "../../accounts/trail";
import { type Answer, noContent, ok } from "../../kit/endpoint";
import {
  type PersonalReadContext,
  personalReadEndpoint,
  type PersonalWriteContext,
  personalWriteEndpoint,
} from "../../kit/personalEndpoint";

const tag = "Accounts";

/** Each is at `/auth/sessions`, and at `/sessions`, as the source calls it in another place. */
const listing = {
  method: "GET",
  tag,
  summary: "List one's sessions, the last used first",
  description:
    "All that are living; an account has at most a hundred. `lastUsedAt` is kept to ten minutes.",
  list: true,
  answers: { 200: () => z.array(sessionRecord()) },
} as const;
const ending = {
  method: "DELETE",
  tag,
  summary: "End one of one's sessions, at once",
  description: "With its access tokens and its live queries.",
  params: () => z.object({ id: z.string() }),
  answers: { 204: null },
  errors: ["NOT_FOUND"],
} as const;
const endingOthers = {
  method: "DELETE",
  tag,
  summary: "End all of one's sessions but the one that is calling",
  answers: { 204: null },
} as const;

export const list = personalReadEndpoint({ ...listing, path: "/auth/sessions" }, listed);
export const listAlias = personalReadEndpoint({ ...listing, path: "/sessions" }, listed);

export const end = personalWriteEndpoint({ ...ending, path: "/auth/sessions/:id" }, ended);
export const endAlias = personalWriteEndpoint({ ...ending, path: "/sessions/:id" }, ended);

export const endOthers = personalWriteEndpoint(
  { ...endingOthers, path: "/auth/sessions" },
  endedOthers,
);
export const endOthersAlias = personalWriteEndpoint(
  { ...endingOthers, path: "/sessions" },
  endedOthers,
);

async function listed(ctx: PersonalReadContext): Promise<Answer<SessionRecord[]>> {
  const sessions = await livingSessions(ctx, ctx.person._id);
  const shown = sessions
    .sort((a, b) => lastUseOf(b) - lastUseOf(a))
    .map((session) => sessionView(session, ctx.session));
  return ok(shown, { meta: { total: shown.length, limit: shown.length, nextCursor: null } });
}

async function ended(
  ctx: PersonalWriteContext,
  { params }: { params: { id: string } },
): Promise<Answer<null>> {
  const session = await requireSession(ctx, ctx.person._id, params.id);
  await endSession(ctx, session);
  const changes = [{ field: "sessionId", before: session._id }];
  await recordForPerson(ctx, ctx.person, { action: "user.session_ended", changes }, ctx.request);
  return session._id === ctx.session?._id ? { ...noContent, cookie: "ended" } : noContent;
}

async function endedOthers(ctx: PersonalWriteContext): Promise<Answer<null>> {
  await endSessionsOf(ctx, ctx.person._id, { but: ctx.session?._id });
  await recordForPerson(ctx, ctx.person, { action: "user.sessions_ended" }, ctx.request);
  return noContent;
}
