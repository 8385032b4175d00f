import type { GenericId } from "convex/values";

type PersonId = GenericId<"objects">;
type Said = {
  entityId: PersonId;
  body: string;
  author: { type: "api_key" | "user" | "portal_user" | "system"; id: string; name: string };
  mentions: { userId: GenericId<"users">; username: string }[];
  unreachedMentions: string[];
  customerIds: PersonId[];
  authorContactId?: PersonId;
};

/** Whether a comment is about a person, or says what they said. */
export function isOfPerson({ entityId, authorContactId }: Said, personId: PersonId): boolean {
  return entityId === personId || authorContactId === personId;
}

/** What is left of it when they are erased: of what they said that somebody said something. */
export function withoutAuthor<Comment extends Said>(
  comment: Comment,
  personId: PersonId,
): { left: Comment; isRemoved: boolean } {
  const { author, authorContactId, customerIds, entityId } = comment;
  const isTheirs = authorContactId === personId;
  const left = {
    ...comment,
    ...{ body: "", mentions: [], unreachedMentions: [] },
    author: isTheirs ? { ...author, name: "" } : author,
    customerIds: customerIds.filter((id) => id !== personId),
  };
  if (isTheirs) delete left.authorContactId;
  return { left, isRemoved: entityId === personId };
}
