import type { MutationCtx } from "../_generated/server";
import { ApiError } from "../kit/errors";
import { sealSecret } from "../kit/secretBox";
import type { WriteScope } from "../ontology/effects";
import { existing, recordWebhook, type Webhook } from "./webhooks";
import { newSecret, overlapping, type Replaced } from "./webhookSecrets";

/** A replaced secret signs for so long at most: a week. */
export const MAX_OVERLAP_SECONDS = 7 * 24 * 60 * 60;

/** So many replaced secrets sign beside the current one; each adds 47 bytes to a header. */
export const MAX_OVERLAPPING = 5;

/**
 * A new secret; the one it replaces signs beside it for `overlapSeconds`, and those that overlap
 * already until their own ends. With an overlap of 0, as after a leak, the new one signs alone.
 * @throws CONFLICT while as many overlap as may
 */
export async function rotateSecret(
  ctx: MutationCtx,
  scope: WriteScope,
  webhook: Webhook,
  overlapSeconds: number,
): Promise<{ webhook: Webhook; secret: string }> {
  const secret = newSecret();
  const now = Date.now();
  const before = overlapSeconds === 0 ? [] : overlapping(webhook, now);
  if (before.length >= MAX_OVERLAPPING) throw tooMany(before);
  const replaced = { secret: webhook.secret, until: now + overlapSeconds * 1000 };
  await ctx.db.patch("webhooks", webhook._id, {
    secret: await sealSecret(secret),
    previousSecrets: [replaced, ...before].filter(({ until }) => until > now),
    previousSecret: undefined,
    version: webhook.version + 1,
    updatedAt: now,
  });
  await recordWebhook(ctx, scope, "secret_rotated", webhook._id, []);
  return { webhook: await existing(ctx, webhook._id), secret };
}

function tooMany(overlapping: readonly Replaced[]): ApiError {
  const nextAt = Math.min(...overlapping.map(({ until }) => until));
  const message = `${MAX_OVERLAPPING} replaced secrets still sign: rotate again after ${new Date(nextAt).toISOString()}, or with "overlapSeconds": 0, which ends them all at once.`;
  return new ApiError("CONFLICT", message, { details: { limit: MAX_OVERLAPPING, nextAt } });
}
