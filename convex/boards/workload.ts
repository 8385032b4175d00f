import { Temporal } from "temporal-polyfill";
import type { Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import type { Caller } from "../kit/caller";
import { dayOf } from "../kit/localTime";
import { organizationOf } from "../kit/own";
import type { ObjectDoc } from "../ontology/registry";
import { openTasksDue } from "./calendar";

/** What a person has to do in a week: open tasks that are due in it, and what they are estimated to take. */
export type Workload = {
  userId: Id<"users">;
  name: string;
  /** ISO 8601: `2026-W22`. */
  week: string;
  tasks: number;
  plannedMinutes: number;
};

/**
 * By person and week of the organization's calendar. A task of several people counts for each, with an
 * equal part of its minutes: their sum is that of the tasks.
 */
export async function workloadOf(
  ctx: QueryCtx,
  caller: Caller,
  span: { from: number; to: number },
): Promise<Workload[]> {
  const { timeZone } = await organizationOf(ctx, caller);
  const loads = new Map<string, Omit<Workload, "name">>();
  for (const task of await openTasksDue(ctx, caller, span)) {
    const { assigneeIds } = task.customProperties;
    const week = weekOf(task, timeZone);
    for (const [at, userId] of assigneeIds.entries()) {
      const key = `${week} ${userId}`;
      const load = loads.get(key) ?? { userId, week, tasks: 0, plannedMinutes: 0 };
      load.tasks += 1;
      load.plannedMinutes += partOf(task.customProperties.estimateMinutes, assigneeIds.length, at);
      loads.set(key, load);
    }
  }
  const names = await namesOf(ctx, new Set([...loads.values()].map(({ userId }) => userId)));
  return [...loads.entries()]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([, load]) => ({ ...load, name: names.get(load.userId) ?? "" }));
}

/** Whole minutes; the first ones take what does not divide. */
function partOf(minutes: number | undefined, people: number, at: number): number {
  const whole = Math.round(minutes ?? 0);
  return Math.floor(whole / people) + (at < whole % people ? 1 : 0);
}

function weekOf({ dueAt }: ObjectDoc<"task">, timeZone: string): string {
  if (dueAt === undefined) throw new Error("A task was found by a day that it does not have.");
  const { yearOfWeek, weekOfYear } = Temporal.PlainDate.from(dayOf(dueAt, timeZone));
  return `${yearOfWeek}-W${String(weekOfYear).padStart(2, "0")}`;
}

async function namesOf(
  ctx: QueryCtx,
  userIds: ReadonlySet<Id<"users">>,
): Promise<Map<Id<"users">, string>> {
  const users = await Promise.all([...userIds].map((id) => ctx.db.get("users", id)));
  return new Map(users.flatMap((user) => (user ? [[user._id, user.name]] : [])));
}
