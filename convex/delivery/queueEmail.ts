import type { Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { type Language, type LetterData, type TemplateName } from "./letters";
import { queueMessages } from "./outbox";

export type QueuedEmail = {
  organizationId: Id<"organizations">;
  template: TemplateName;
  to: string;
  language: Language;
  /** What the template says, formatted; see letters/index.ts. */
  data: LetterData;
  /** The object that it is about. */
  objectId?: Id<"objects">;
};

/** Queues one e-mail in the caller's transaction; see `queueMessages`. */
export async function queueEmail(
  ctx: MutationCtx,
  { organizationId, ...message }: QueuedEmail,
): Promise<Id<"notifications">> {
  const [id] = await queueMessages(ctx, organizationId, [{ channel: "email", ...message }]);
  if (id === undefined) throw new Error("A message that was queued has no id.");
  return id;
}
