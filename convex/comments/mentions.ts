import type { Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { userByUsername } from "../accounts/usernames";
import { invalidFields } from "../kit/errors";
import type { Properties } from "../ontology/registry";
import { MAX_MENTIONS } from "../types/comment/type";
import { readerOf } from "./readers";

/** Whom a text mentions: `@username`, as accounts have them. */

/** Markdown's code says nothing to anybody. */
const CODE = /(```|~~~)[\s\S]*?(?:\1|$)|`[^`\n]*`/g;
/** Not within a word, an e-mail or an address. */
const MENTION = /(?<![\p{L}\p{N}@./-])@([A-Za-z0-9_-]{3,30})(?![A-Za-z0-9_-])/gu;

/** The names in it, each once, in small letters. */
export function namesIn(body: string): string[] {
  const text = body.replace(CODE, " ");
  return [...new Set([...text.matchAll(MENTION)].map(([, name = ""]) => name.toLowerCase()))];
}

type Mentioned = Pick<Properties<"comment">, "mentions" | "unreachedMentions">;

/**
 * Members who see what is said in the project are mentioned; any other name, a stranger's, a member's who
 * does not see it, or nobody's, is one that told nobody.
 * @throws VALIDATION_ERROR for more names than one comment may have
 */
export async function mentionsIn(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  body: string,
  projectId: Id<"objects"> | undefined,
): Promise<Mentioned> {
  const names = namesIn(body);
  if (names.length > MAX_MENTIONS) {
    const message = `must mention at most ${MAX_MENTIONS} people; it has ${names.length} names`;
    throw invalidFields([{ field: "body", message }]);
  }
  const mentions = new Map<Id<"users">, Mentioned["mentions"][number]>();
  const unreachedMentions: string[] = [];
  for (const username of names) {
    const user =
      (await userByUsername(ctx, username)) ??
      (await userByUsername(ctx, username.replace(/[_-]+$/, "")));
    const reader = user && (await readerOf(ctx, organizationId, user._id, projectId));
    if (!user || !reader) unreachedMentions.push(username);
    else if (!mentions.has(user._id)) {
      mentions.set(user._id, { userId: user._id, username: user.username ?? username });
    }
  }
  return { mentions: [...mentions.values()], unreachedMentions };
}
