import { ConvexError } from "convex/values";
import type { Reply } from "./reply";

/**
 * `?dryRun=true`: thrown in place of the answer that it carries, so that the transaction which came
 * to that answer is rolled back. What would happen is told by the very code that makes it happen.
 */
export class DryRun extends ConvexError<{ dryRun: Reply }> {
  constructor(reply: Reply) {
    super({ dryRun: reply });
    this.name = "DryRun";
  }
}

/** The answer that a rolled back request came to, also after a function boundary took the class. */
export function rehearsedReply(error: unknown): Reply | null {
  if (!(error instanceof ConvexError)) return null;
  const data: unknown = error.data;
  if (typeof data !== "object" || data === null || !("dryRun" in data)) return null;
  return data.dryRun as Reply;
}
