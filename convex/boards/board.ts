import type { Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { badCursor, openCursor, sealCursor } from "../kit/page";
import { cellsOf, groupOf } from "../ontology/counts";
import type { Tenant } from "../ontology/reader";
import type { ObjectDoc, Status } from "../ontology/registry";
import { asTask, columnFrom } from "../tasks/column";
import { taskType } from "../types/task/type";

/** So many tasks of each column come with a board. */
export const TASKS_PER_COLUMN = 20;

export type Column = {
  status: Status<"task">;
  total: number;
  tasks: ObjectDoc<"task">[];
  nextCursor: string | null;
};

/** Of one column alone, and from where on. */
export type Part = { status?: Status<"task"> | undefined; cursor?: string | undefined };

/**
 * The first tasks of each column in their order, and how many there are: it reads what it shows, whatever
 * the project's size. `nextCursor` goes on in the column.
 */
export async function boardOf(
  ctx: QueryCtx,
  tenant: Tenant,
  projectId: Id<"objects">,
  { status, cursor }: Part = {},
): Promise<Column[]> {
  const cells = await cellsOf(ctx, tenant.organizationId, groupOf("task", projectId));
  const statuses = status === undefined ? taskType.statuses : [status];
  const columns = statuses.map(async (each): Promise<Column> => {
    const total = cells
      .filter(({ key }) => key[0] === each)
      .reduce((sum, { count }) => sum + count, 0);
    const column = { projectId, status: each };
    const listName = `board/${projectId}/${each}`;
    const after = cursor === undefined ? null : placeIn(openCursor(listName, cursor));
    const tasks: ObjectDoc<"task">[] = [];
    const rows = columnFrom(
      ctx,
      tenant.organizationId,
      column,
      "asc",
      after ? { from: after.rank } : {},
    );
    for await (const row of rows) {
      if (after && row.rank === after.rank && row._creationTime <= after.createdAt) continue;
      tasks.push(asTask(row));
      if (tasks.length === TASKS_PER_COLUMN) break;
    }
    const last = tasks.length === TASKS_PER_COLUMN ? tasks.at(-1) : undefined;
    const place = last && JSON.stringify([last.rank, last._creationTime]);
    // Of the last page the cursor leads to an empty one at most.
    const isMore = place !== undefined && (after !== null || total > TASKS_PER_COLUMN);
    return { status: each, total, tasks, nextCursor: isMore ? sealCursor(listName, place) : null };
  });
  return await Promise.all(columns);
}

/** Tasks of one place are in the order of their creation. */
function placeIn(position: string): { rank: string; createdAt: number } {
  const [rank, createdAt] = JSON.parse(position) as unknown[];
  if (typeof rank !== "string" || typeof createdAt !== "number") throw badCursor();
  return { rank, createdAt };
}
