import type { Doc, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import type { Day } from "../kit/localTime";
import { type Page, pageThrough, pagingOf } from "../kit/page";
import type { PageParameters } from "../kit/pageParameters";

export type TimeFilters = {
  projectId?: Id<"objects"> | undefined;
  taskId?: Id<"objects"> | undefined;
  userId?: Id<"users"> | undefined;
  from?: Day | undefined;
  to?: Day | undefined;
  billable?: boolean | undefined;
  billed?: boolean | undefined;
};

/** A page of entries, the latest day first. */
export async function pageOfTime(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  filters: TimeFilters,
  query: PageParameters,
): Promise<Page<Doc<"timeEntries">>> {
  const { projectId, userId, billable, billed } = filters;
  const rows = rowsOf(ctx, organizationId, filters)
    .order("desc")
    .filter((q) =>
      q.and(
        projectId === undefined || q.eq(q.field("projectId"), projectId),
        userId === undefined || q.eq(q.field("userId"), userId),
        billable === undefined || q.eq(q.field("billable"), billable),
        billed === undefined ||
          (billed ? q.neq(q.field("invoiceId"), undefined) : q.eq(q.field("invoiceId"), undefined)),
      ),
    );
  return await pageThrough(`time ${JSON.stringify(filters)}`, pagingOf(query), rows);
}

function rowsOf(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  { projectId, taskId, userId, from = "", to = "\uffff" }: TimeFilters,
) {
  const table = ctx.db.query("timeEntries");
  if (taskId !== undefined) {
    return table.withIndex("by_task", (q) =>
      q.eq("organizationId", organizationId).eq("taskId", taskId).gte("date", from).lte("date", to),
    );
  }
  if (userId !== undefined) {
    return table.withIndex("by_user", (q) =>
      q.eq("organizationId", organizationId).eq("userId", userId).gte("date", from).lte("date", to),
    );
  }
  if (projectId !== undefined) {
    return table.withIndex("by_project", (q) =>
      q
        .eq("organizationId", organizationId)
        .eq("projectId", projectId)
        .gte("date", from)
        .lte("date", to),
    );
  }
  return table.withIndex("by_organization", (q) =>
    q.eq("organizationId", organizationId).gte("date", from).lte("date", to),
  );
}
