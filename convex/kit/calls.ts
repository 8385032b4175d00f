import { v } from "convex/values";
import type { Metering } from "./askers";
import { credentialValidator } from "./caller";
import { requestOrigin } from "./requestOrigin";
import type { Reply } from "./reply";

/** What the door hands to the function of a writing endpoint, beside the request's own parts. */
export const writeCallValidator = v.object({
  credential: credentialValidator,
  ...requestOrigin.fields,
  ifMatch: v.optional(v.string()),
  idempotency: v.optional(v.object({ key: v.string(), fingerprint: v.string() })),
  dryRun: v.optional(v.boolean()),
  upload: v.optional(v.id("uploads")),
  /** JSON text of what the endpoint's consultation found. */
  consulted: v.optional(v.string()),
  /** It was counted before the consultation, which costs something. */
  isCounted: v.optional(v.boolean()),
});
export type WriteCall = typeof writeCallValidator.type;

/** `metering` is null where the request was counted with its upload. */
export type WriteReply = { reply: Reply; replayed: boolean; metering: Metering | null };
