import type { Id } from "../_generated/dataModel";
import { ApiError, invalidFields } from "../kit/errors";
import { referringTo } from "../ontology/links";
import type { ObjectDoc, Properties } from "../ontology/registry";
import type { ObjectStore } from "../ontology/store";
import type { RuleContext } from "../ontology/typeRules";
import { isOpen } from "../types/task/type";

/** So many tasks wait for one at most: all are told when it is done, in one transaction. */
export const MAX_DEPENDENTS = 100;
/** So many tasks are looked at for a cycle. */
const MAX_VISITED = 2000;

type Task = ObjectDoc<"task">;

/** The tasks that one waits for. @throws VALIDATION_ERROR for itself, or another project's; CONFLICT */
export async function requireDependable(
  { ctx, store }: RuleContext,
  task: Task | null,
  { projectId, dependsOn }: Properties<"task">,
): Promise<Task[]> {
  const before: readonly string[] = task?.customProperties.dependsOn ?? [];
  const dependencies: Task[] = [];
  for (const [at, id] of dependsOn.entries()) {
    const dependency = await store.require("task", id);
    const field = `dependsOn.${at}`;
    if (id === task?._id) throw invalidFields([{ field, message: "must be another task" }]);
    if (dependency.customProperties.projectId !== projectId) {
      throw invalidFields([{ field, message: "must be a task of the same project" }]);
    }
    if (!before.includes(id)) {
      const waiting = await dependentsOf({ ctx, store }, id);
      if (waiting.length >= MAX_DEPENDENTS) {
        throw new ApiError("CONFLICT", `At most ${MAX_DEPENDENTS} tasks wait for one.`);
      }
    }
    dependencies.push(dependency);
  }
  return dependencies;
}

export function isAnyOpen(tasks: readonly Task[]): boolean {
  return tasks.some(({ status }) => isOpen(status));
}

/** @throws INVALID_STATE with the open ones */
export function requireUnblocked(dependencies: readonly Task[]): void {
  const open = dependencies.filter(({ status }) => isOpen(status));
  if (open.length === 0) return;
  const message = "The task waits for open ones; do those first, or send force: true.";
  throw new ApiError("INVALID_STATE", message, {
    details: { waitsFor: open.map(({ _id }) => _id) },
  });
}

/** @throws CONFLICT with the cycle's ids, from the task to the one that waits for it */
export async function requireAcyclic(
  context: RuleContext,
  task: Task,
  dependencies: readonly Task[],
): Promise<void> {
  const cycle = await cycleThrough(context, task, dependencies);
  if (cycle === null) return;
  if (cycle !== "too long") throw cyclic(cycle);
  const message = `More than ${MAX_VISITED} tasks hang together here; whether one waits for itself is not found out.`;
  throw new ApiError("CONFLICT", message);
}

/**
 * How one of these waits for the task, over however many others; null where none does. Read in the transaction
 * that adds them, so that two that close a cycle at once do not both commit.
 */
export async function cycleThrough(
  { store }: Pick<RuleContext, "store">,
  task: Task,
  dependencies: readonly Task[],
): Promise<Id<"objects">[] | "too long" | null> {
  const cameFrom = new Map<Id<"objects">, Id<"objects">>();
  for (const { _id } of dependencies) cameFrom.set(_id, task._id);
  const queue = [...dependencies];
  for (let at = 0; at < queue.length; at += 1) {
    if (at === MAX_VISITED) return "too long";
    const { _id, customProperties } = queue[at] as Task;
    for (const next of customProperties.dependsOn) {
      if (next === task._id) return pathTo(cameFrom, task._id, _id);
      if (cameFrom.has(next)) continue;
      const found = await store.find("task", next);
      if (!found) continue;
      cameFrom.set(next, _id);
      queue.push(found);
    }
  }
  return null;
}

function pathTo(
  cameFrom: ReadonlyMap<Id<"objects">, Id<"objects">>,
  start: Id<"objects">,
  end: Id<"objects">,
): Id<"objects">[] {
  const path: Id<"objects">[] = [];
  for (let at = end; at !== start; at = cameFrom.get(at) ?? start) path.unshift(at);
  return [start, ...path];
}

function cyclic(cycle: Id<"objects">[]): ApiError {
  return new ApiError("CONFLICT", "The tasks would wait for each other.", { details: { cycle } });
}

/** The tasks that wait for one. */
async function dependentsOf(
  { ctx, store }: Pick<RuleContext, "ctx" | "store">,
  id: Id<"objects">,
): Promise<Id<"objects">[]> {
  return await referringTo(ctx, store.organizationId, id, MAX_DEPENDENTS, "waits_for");
}

/** Those who wait for a task that is done now, or open again, are told whether they still wait. */
export async function unblockDependents(context: RuleContext, task: Task): Promise<void> {
  for (const id of await dependentsOf(context, task._id)) {
    const dependent = await context.store.find("task", id);
    if (dependent) await settle(context.store, dependent, dependent.customProperties.dependsOn);
  }
}

/** Nobody waits for a task that goes. */
export async function releaseDependents(context: RuleContext, task: Task): Promise<void> {
  for (const id of await dependentsOf(context, task._id)) {
    const dependent = await context.store.find("task", id);
    if (!dependent) continue;
    const { dependsOn } = dependent.customProperties;
    await settle(
      context.store,
      dependent,
      dependsOn.filter((other) => other !== task._id),
    );
  }
}

async function settle(store: ObjectStore, task: Task, dependsOn: Id<"objects">[]): Promise<void> {
  const found = await Promise.all(dependsOn.map((id) => store.find("task", id)));
  const isBlocked = isAnyOpen(found.filter((dependency) => dependency !== null));
  await store.update(task, { customProperties: { dependsOn, isBlocked } });
}
