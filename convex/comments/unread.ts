import type { QueryCtx } from "../_generated/server";
import type { Caller } from "../kit/caller";
import { batchOf } from "../kit/page";
import { isOfType, TenantReader } from "../ontology/reader";
import type { Follow } from "./follows";
import { commentsOf } from "./keeping";

/** What a member has not read of the comments that they were told of. */
type Member = Extract<Caller, { kind: "user" }>;
export type Unread = {
  entityType: string;
  entityId: string;
  unread: number;
  isMore: boolean;
  latestAt: number;
};

/** So many things with unread comments are listed, the latest first, of so many that may have some. */
export const MAX_UNREAD = 50;
const LOOKED_AT = 200;
/** Of one thing it is counted so far, and over so many bytes. */
export const COUNTED = 99;
const BYTES_COUNTED = 128 * 1024;

export async function unreadOf(ctx: QueryCtx, member: Member): Promise<Unread[]> {
  const { organizationId, id: userId } = member;
  const reader = new TenantReader(ctx, member);
  const rows = await ctx.db
    .query("commentFollows")
    .withIndex("by_user", (q) =>
      q.eq("organizationId", organizationId).eq("userId", userId).eq("isUnread", true),
    )
    .order("desc")
    .take(LOOKED_AT);
  const found: Unread[] = [];
  for (const row of rows) {
    const unread = await unreadAt(ctx, reader, row);
    if (unread) found.push(unread);
    if (found.length === MAX_UNREAD) break;
  }
  return found;
}

/** Null where nothing is left that they see: what was deleted since is not unread. */
async function unreadAt(
  ctx: QueryCtx,
  reader: TenantReader,
  { organizationId, entityId, entityType, userId, readUpTo }: Follow,
): Promise<Unread | null> {
  if (!(await reader.findObject(entityId))) return null;
  const rows = commentsOf(ctx, organizationId, "relatedId", entityId, readUpTo);
  const { batch, isWhole } = await batchOf(rows, COUNTED + 1, BYTES_COUNTED);
  const times: number[] = [];
  for (const comment of batch) {
    if (!isOfType(comment, "comment") || comment.customProperties.author.id === userId) continue;
    if (await reader.sight.sees(comment)) times.push(comment.createdAt);
  }
  const latestAt = times.at(-1);
  if (latestAt === undefined) return null;
  const isMore = !isWhole || times.length > COUNTED;
  return { entityType, entityId, unread: Math.min(times.length, COUNTED), isMore, latestAt };
}
