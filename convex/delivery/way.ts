import type { Doc } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { type Mailbox, mailboxOfOrganization } from "../oauth/sender";
import { configuredFor, type OutboundChannel, type ProviderName } from "./providers/configured";

/** By whom a message of an organization goes out: the deployment's providers, or a member's own mailbox. */
export type OutboundProvider = ProviderName | Mailbox["provider"];
export type Way =
  | { provider: ProviderName }
  | { provider: Mailbox["provider"]; mailbox: Mailbox }
  | { missing: string };

/** By which one way is told from another. */
export function wayKey(way: {
  provider: OutboundProvider;
  mailbox?: { connectionId: string } | undefined;
}): string {
  return [way.provider, way.mailbox?.connectionId ?? ""].join(" ").trim();
}

/**
 * The way of an organization's messages by a channel, or what is missing for it. One that has chosen a
 * mailbox sends by nothing else: its customers would see another sender, without anybody having said so.
 */
export async function wayOf(
  ctx: Pick<QueryCtx, "db">,
  organization: Doc<"organizations">,
  channel: OutboundChannel,
): Promise<Way> {
  if (channel !== "email" || organization.senderConnectionId === undefined) {
    return configuredFor(channel);
  }
  const mailbox = await mailboxOfOrganization(ctx, organization, organization.senderConnectionId);
  return "missing" in mailbox ? mailbox : { provider: mailbox.provider, mailbox };
}
