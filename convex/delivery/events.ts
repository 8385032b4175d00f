import type { Doc } from "../_generated/dataModel";

/** The commit timestamp of an event that was read; only in its own transaction has it none yet. */
export function commitTsOf({ commitTs }: Pick<Doc<"events">, "commitTs">): bigint {
  if (typeof commitTs === "bigint") return commitTs;
  throw new Error("An event of this very transaction has no commit timestamp.");
}
