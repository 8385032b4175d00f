import type { Doc } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { type CallerCredential, userOfSession, wrongKind } from "./caller";
import { userByClerkId } from "./clerk";
import { identify } from "./identify";
import { unauthorized } from "./unauthorized";

/** Under which sign-in: null for one who did not sign in with us. */
export type Person = {
  person: Doc<"users">;
  session: Doc<"sessions"> | null;
  expiresAt: number | undefined;
};

/**
 * The member of staff behind a credential, whatever organizations they belong to, if any.
 * @throws UNAUTHORIZED; FORBIDDEN for a good credential of nobody in particular
 */
export async function identifyPerson(ctx: QueryCtx, credential: CallerCredential): Promise<Person> {
  if (credential.kind === "session") {
    const { user, session } = await userOfSession(ctx, credential.tokenHash);
    return { person: user, session, expiresAt: session.expiresAt };
  }
  if (credential.kind === "clerk") {
    const person = await userByClerkId(ctx, credential.subject);
    if (!person) throw unauthorized("clerk");
    return { person, session: null, expiresAt: undefined };
  }
  // Which organization they mean is nobody's business where no organization is asked for.
  const { tenantId: _tenantId, tenantInPath: _tenantInPath, ...alone } = credential;
  const { caller } = await identify(ctx, alone);
  throw wrongKind(caller.kind, ["user"]);
}

/** How limits and idempotency records name a person; the same as a caller of theirs. */
export function personKey(person: Pick<Doc<"users">, "_id">): string {
  return `user:${person._id}`;
}
