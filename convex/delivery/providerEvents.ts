import type { MutationCtx } from "../_generated/server";
import type { AccountMail } from "../accounts/mail";
import { recordMailEvent } from "../accounts/mailSettling";
import type { Outcome } from "../kit/incomingWebhook";
import { rowOfAnyTenant } from "../kit/own";
import { ObjectStore } from "../ontology/store";
import { systemScope } from "../tenancy";
import type { Notification } from "./outbox";
import type { ProviderEvent } from "./providers/event";
import { recordProgress } from "./settling";
import { suppress } from "./suppressions";

/** Moves the message forward; an event that comes twice, late or out of order changes nothing. */
export async function applyProviderEvent(ctx: MutationCtx, event: ProviderEvent): Promise<Outcome> {
  const message = await messageOf(ctx, event);
  const mail = message ? null : await accountMailOf(ctx, event);
  if (mail) {
    await recordMailEvent(ctx, mail, event);
    return { status: "applied" };
  }
  if (!message) return { status: "ignored", note: "It is about a message that is not known here." };
  const { organizationId } = message;
  await recordProgress(ctx, message, event);
  if (event.kind === "complained" && message.to !== undefined) {
    const store = new ObjectStore(ctx, systemScope(organizationId, "delivery"));
    const { to: email, _id: notificationId } = message;
    await suppress(ctx, store, { email, reason: "complained", notificationId });
    await store.finish();
  }
  return { status: "applied", organizationId };
}

async function messageOf(
  ctx: MutationCtx,
  { channel, notificationId, providerMessageId }: ProviderEvent,
): Promise<Notification | null> {
  const named: Notification | null =
    notificationId === undefined
      ? null
      : await rowOfAnyTenant(ctx, "notifications", notificationId);
  if (named?.channel === channel) return named;
  if (providerMessageId === undefined) return null;
  return await ctx.db
    .query("notifications")
    .withIndex("by_provider_message", (q) =>
      q.eq("channel", channel).eq("providerMessageId", providerMessageId),
    )
    .first();
}

/** Letters about accounts go out by e-mail alone, under ids of their own. */
async function accountMailOf(
  ctx: MutationCtx,
  { channel, notificationId, providerMessageId }: ProviderEvent,
): Promise<AccountMail | null> {
  if (channel !== "email") return null;
  const named =
    notificationId === undefined ? null : await rowOfAnyTenant(ctx, "accountMails", notificationId);
  if (named || providerMessageId === undefined) return named;
  return await ctx.db
    .query("accountMails")
    .withIndex("by_provider_message", (q) => q.eq("providerMessageId", providerMessageId))
    .first();
}
