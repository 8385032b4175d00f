import type { Doc } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { type CallerCredential, userOfAccessToken, userOfSession, wrongKind } from "./caller";
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
    return signedIn(await userOfSession(ctx, credential.tokenHash));
  }
  if (credential.kind === "access_token") return signedIn(await userOfAccessToken(ctx, credential));
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

function signedIn(by: { user: Doc<"users">; session: Doc<"sessions"> }): Person {
  return { person: by.user, session: by.session, expiresAt: by.session.expiresAt };
}

/** How limits and idempotency records name a person; the same as a caller of theirs. */
export function personKey(person: Pick<Doc<"users">, "_id">): string {
  return `user:${person._id}`;
}
