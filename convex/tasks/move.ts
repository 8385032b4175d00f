import { invalidFields, missingReference } from "../kit/errors";
import { MAX_RANK, rankBetween, ranksBetween } from "../ontology/ranks";
import { changeRecord } from "../ontology/records";
import type { ObjectDoc, Status } from "../ontology/registry";
import type { RuleContext } from "../ontology/typeRules";
import { asTask, type Column, columnFrom } from "./column";

type Task = ObjectDoc<"task">;
type Neighbour = { field: "before" | "after"; task: Task };

/** Where a task goes: right before or right after another, into a column; at its end where nothing is said. */
export type Move = {
  before?: string | undefined;
  after?: string | undefined;
  status?: Status<"task"> | undefined;
};

/** Keys become longer where much is moved into one gap; from here on the gap is made anew. */
const LONG_RANK = MAX_RANK - 50;
/** So many tasks on each side of a gap are given new places where it has room no longer. */
const HEALED = 20;

/**
 * Moves a task; no other one is changed, but where two have the same place (two devices made it) or the
 * places have grown too long: those around are given new ones.
 * @throws TASK_NOT_FOUND for a neighbour that was deleted meanwhile; VALIDATION_ERROR for one of another
 *   project, or of another column than the status says
 */
export async function moveTask(context: RuleContext, task: Task, move: Move): Promise<Task> {
  const { projectId } = task.customProperties;
  const neighbours = await neighboursOf(context, task, move);
  const status = move.status ?? neighbours[0]?.task.status ?? task.status;
  const column = { projectId, status };
  for (const { field, task: neighbour } of neighbours) {
    if (neighbour.status === status) continue;
    throw invalidFields([{ field, message: `is not in the column ${status}` }]);
  }
  const rank = await rankAt(context, task, column, neighbours);
  return await changeRecord(context, task, { status, position: rank });
}

async function neighboursOf({ store }: RuleContext, task: Task, move: Move): Promise<Neighbour[]> {
  const neighbours: Neighbour[] = [];
  for (const field of ["before", "after"] as const) {
    const id = move[field];
    if (id === undefined) continue;
    const found = await store.find("task", id);
    if (!found) throw missingReference("task", field);
    if (found._id === task._id) throw invalidFields([{ field, message: "must be another task" }]);
    if (found.customProperties.projectId !== task.customProperties.projectId) {
      throw invalidFields([{ field, message: "must be a task of the same project" }]);
    }
    neighbours.push({ field, task: found });
  }
  return neighbours;
}

async function rankAt(
  context: RuleContext,
  task: Task,
  column: Column,
  neighbours: readonly Neighbour[],
): Promise<string> {
  const gap = await gapAt(context, task, column, neighbours);
  if (gap !== null) {
    const rank = rankBetween(gap.low, gap.high);
    if (rank.length <= LONG_RANK) return rank;
  }
  await heal(context, task, column, neighbours);
  const healed = await gapAt(context, task, column, neighbours);
  if (healed === null)
    throw new Error(`There is no place for ${task._id} after its column was healed.`);
  return rankBetween(healed.low, healed.high);
}

type Gap = { low: string | null; high: string | null };

/** The places between which the task goes; null where they are the same. */
async function gapAt(
  { ctx, store }: RuleContext,
  task: Task,
  column: Column,
  neighbours: readonly Neighbour[],
): Promise<Gap | null> {
  const { organizationId } = store;
  const next = async (order: "asc" | "desc", of: Task): Promise<Task | null> => {
    const place = of.rank ?? "";
    const bound = order === "asc" ? { from: place } : { upTo: place };
    const rows = columnFrom(ctx, organizationId, column, order, bound);
    // Of those that have the same place, the order is that of their creation.
    let isPast = false;
    for await (const row of rows) {
      if (row._id === of._id) isPast = true;
      else if (isPast && row._id !== task._id) return asTask(row);
    }
    return null;
  };
  const [first] = neighbours;
  if (!first) {
    for await (const row of columnFrom(ctx, organizationId, column, "desc")) {
      if (row._id !== task._id) return { low: row.rank ?? null, high: null };
    }
    return { low: null, high: null };
  }
  const isBefore = first.field === "before";
  const anchor = await store.require("task", first.task._id);
  const other = await next(isBefore ? "desc" : "asc", anchor);
  const [low, high] = isBefore ? [other, anchor] : [anchor, other];
  const gap = { low: low?.rank ?? null, high: high?.rank ?? null };
  return gap.low !== null && gap.low === gap.high ? null : gap;
}

/** New places, evenly apart, for those around a gap. */
async function heal(
  context: RuleContext,
  task: Task,
  column: Column,
  neighbours: readonly Neighbour[],
): Promise<void> {
  const { ctx, store } = context;
  const anchor = neighbours[0]?.task.rank ?? "";
  const below = columnFrom(ctx, store.organizationId, column, "desc", { before: anchor });
  const above = columnFrom(ctx, store.organizationId, column, "asc", { from: anchor });
  const lower = (await below.take(HEALED + 1)).reverse();
  const upper: Task[] = [];
  let high: string | null = null;
  for await (const row of above) {
    const last = upper.at(-1);
    // Those of one place are healed together, however many.
    if (upper.length >= HEALED && row.rank !== last?.rank) {
      high = row.rank ?? null;
      break;
    }
    upper.push(asTask(row));
  }
  const low = lower.length > HEALED ? (lower.shift()?.rank ?? null) : null;
  const around = [...lower.map(asTask), ...upper].filter(({ _id }) => _id !== task._id);
  const ranks = ranksBetween(low, high, around.length);
  for (const [at, each] of around.entries()) {
    const position = ranks[at];
    if (position !== undefined) await store.update(each, { customProperties: { position } });
  }
}
