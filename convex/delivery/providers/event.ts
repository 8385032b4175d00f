/** What a provider says of a message that it took. */
export type ProviderEvent = {
  channel: "email" | "whatsapp";
  /** Ours, as it came back; it also fits an event that overtakes the answer to the attempt. */
  notificationId: string | undefined;
  providerMessageId: string | undefined;
  at: number;
} & (
  | { kind: "sent" | "delivered" | "opened" }
  | { kind: "complained" }
  | { kind: "failed"; reason: string }
  | { kind: "bounced"; reason: string; isPermanent: boolean }
);
