import type { MutationCtx } from "../_generated/server";
import type { RequestOrigin } from "../kit/requestOrigin";
import { languageOfPerson, queueAccountMail } from "./mail";
import { endSession, type Session } from "./sessions";
import { recordForPerson } from "./trail";
import { addressOf } from "./verified";

/** A refresh token came twice: its session ends, its owner is told, and the trail and the log say so. */
export async function reportReuse(
  ctx: MutationCtx,
  session: Session,
  request: RequestOrigin,
): Promise<void> {
  await endSession(ctx, session);
  const user = await ctx.db.get("users", session.userId);
  if (!user) return;
  const { traceId, ip, userAgent } = request;
  console.warn(
    JSON.stringify({
      ...{ level: "WARN", message: "user.refresh_token_reused", requestId: traceId },
      ...{ userId: user._id, sessionId: session._id, ip },
    }),
  );
  const changes = [{ field: "sessionId", before: session._id }];
  await recordForPerson(ctx, user, { action: "user.refresh_token_reused", changes }, request);
  const to = addressOf(user);
  if (to === null) return;
  await queueAccountMail(ctx, {
    ...{ userId: user._id, to, language: languageOfPerson(user), template: "session_reuse" },
    data: { ...(userAgent === null ? {} : { userAgent }), ...(ip === null ? {} : { ip }) },
  });
}
