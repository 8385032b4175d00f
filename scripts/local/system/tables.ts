/** `convex data`: which tables there are. */
import { type PaginationResult, paginationOptsValidator, queryGeneric } from "convex/server";
import { currentCall } from "./call";

/** They are few, so one page holds them all. */
export default queryGeneric({
  args: { paginationOpts: paginationOptsValidator },
  handler: async (): Promise<PaginationResult<{ name: string }>> => {
    const page = currentCall()
      .tx.tables()
      .map(({ name }) => ({ name }));
    return { page, isDone: true, continueCursor: "" };
  },
});
