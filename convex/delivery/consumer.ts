import type { Doc } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";

/**
 * Who is handed the events of an organization. A consumer writes what it needs (a row per delivery,
 * a notification) in the dispatcher's own transaction, so that each event is taken up exactly once;
 * it calls nothing outside. What it always wants stands in `ALWAYS_FOLLOWED` (following.ts).
 */
export type Consumer = {
  /** How many rows it may write for one event: the dispatcher's batch is cut by it. */
  rowsPerEvent(ctx: MutationCtx, organization: Doc<"organizations">): Promise<number>;
  /** Events in commit order; also of types that the consumer does not want. */
  take(
    ctx: MutationCtx,
    organization: Doc<"organizations">,
    events: readonly Doc<"events">[],
  ): Promise<void>;
};
