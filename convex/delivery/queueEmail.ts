import type { Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import type { Language, LetterData, SecretTemplate, TemplateName } from "./letters";
import { queueMessages } from "./outbox";
import type { SecretLink } from "./secretLink";

export type QueuedEmail = {
  organizationId: Id<"organizations">;
  to: string;
  language: Language;
  /** What the template says, formatted; see letters/index.ts. No secret: `notifications:read` shows it. */
  data: LetterData;
  /** The object that it is about. */
  objectId?: Id<"objects">;
  /** The invite that it goes to: revoked, accepted or made anew meanwhile, it does not go out. */
  membershipId?: Id<"memberships">;
} & (
  | { template: SecretTemplate; secretLink: SecretLink }
  | { template: Exclude<TemplateName, SecretTemplate>; secretLink?: undefined }
);

/**
 * Queues one e-mail of an organization in the caller's transaction; see `queueMessages`. (What is about
 * a person's account: accounts/mail.ts.) An `invite` carries a link with a token in it, which is given
 * as `secretLink` with the time at which the token ends, and never in `data`:
 *
 *     await queueEmail(ctx, {
 *       organizationId, template: "invite", to: email, language,
 *       data: { organization: name, recipient: "", inviter },
 *       secretLink: { url: `${APP_URL}/invite?token=${token}`, expiresAt },
 *     });
 */
export async function queueEmail(
  ctx: MutationCtx,
  { organizationId, ...message }: QueuedEmail,
): Promise<Id<"notifications">> {
  const [id] = await queueMessages(ctx, organizationId, [{ channel: "email", ...message }]);
  if (id === undefined) throw new Error("A message that was queued has no id.");
  return id;
}
