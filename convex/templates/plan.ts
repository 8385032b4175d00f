import type { Id } from "../_generated/dataModel";
import { type Day, dayOf, daysBetween, daysLater } from "../kit/localTime";
import { ranksBetween } from "../ontology/ranks";
import type { ObjectDoc } from "../ontology/registry";
import type { PlannedTask } from "../schemas/templateSchemas";

/**
 * The plan that a project's tasks come to, as pure functions: which of them a template has, in which order they
 * are made, and on which days, counted from the project's start.
 */
type Task = ObjectDoc<"task">;
type Status = Task["status"];

type Source = {
  tasks: readonly Task[];
  labelIds: readonly Id<"objects">[];
  /** The project's own days. */
  start: Day | null;
  end: Day | null;
  /** From where is counted where nothing has a day. */
  fallback: Day;
  timeZone: string;
};

export type Plan = {
  tasks: PlannedTask[];
  origin: Day;
  isDated: boolean;
  endIn: number | undefined;
  span: { from: number; to: number };
};

/** Columns one after another: what was done comes before what is done, and that before what waits. */
const ORDER: readonly Status[] = ["done", "in_review", "in_progress", "todo"];

export function planOf({ tasks, labelIds, start, end, fallback, timeZone }: Source): Plan {
  const kept = keptOf(tasks);
  const days = daysOf(tasks, kept, timeZone);
  const dated = [...days.values()]
    .flatMap(({ start, due }) => [start, due])
    .filter((day) => day !== null);
  const earliest = dated.reduce<Day | null>(
    (first, day) => (first === null || day < first ? day : first),
    null,
  );
  const origin = start ?? earliest ?? fallback;
  const inDays = (day: Day | null): number | undefined =>
    day === null ? undefined : daysBetween(origin, day);
  const isCounted = start !== null || earliest !== null;
  const endIn = isCounted ? inDays(end) : undefined;

  const places = ranksBetween(null, null, kept.length);
  const ranks = new Map(kept.map(({ _id }, at) => [_id, places[at]]));
  const made = inOrderOfMaking(kept);
  const placeOf = new Map(made.map(({ _id }, place) => [_id, place]));
  const labelAt = new Map(labelIds.map((id, at) => [id, at]));
  const planned = made.map((task, place): PlannedTask => {
    const { name: title, priority, parentTaskId } = task.customProperties;
    const { estimateMinutes, remindMinutesBefore, recurrence, customFields } =
      task.customProperties;
    const { start: startDay = null, due: dueDay = null } = days.get(task) ?? {};
    const [startIn, dueIn] = [inDays(startDay), inDays(dueDay)];
    const before = (id: Id<"objects">): boolean => (placeOf.get(id) ?? Infinity) < place;
    return {
      ...{ title, priority, customFields, rank: ranks.get(task._id) ?? "" },
      ...given({ description: task.description, estimateMinutes, startIn, dueIn, recurrence }),
      ...given({ remindMinutesBefore: dueIn === undefined ? undefined : remindMinutesBefore }),
      ...given({ parent: parentTaskId && placeOf.get(parentTaskId) }),
      dependsOn: placesIn(placeOf, task.customProperties.dependsOn.filter(before)),
      waitedForBy: [],
      labels: placesIn(labelAt, task.customProperties.labelIds),
    };
  });
  // A parent is made before its parts, and may wait for them.
  for (const [place, task] of made.entries()) {
    for (const other of placesIn(placeOf, task.customProperties.dependsOn)) {
      if (other > place) planned[other]?.waitedForBy.push(place);
    }
  }
  const offsets = planned.flatMap(({ startIn = 0, dueIn = 0 }) => [startIn, dueIn]);
  const all = [0, endIn ?? 0, ...offsets];
  return {
    tasks: planned,
    origin,
    isDated: isCounted || planned.some(({ recurrence }) => ends(recurrence?.rrule ?? "")),
    endIn,
    span: { from: all.reduce((a, b) => Math.min(a, b)), to: all.reduce((a, b) => Math.max(a, b)) },
  };
}

/**
 * Not the cancelled ones; of one that comes again, the last alone; and no part without its parent. The order is
 * that of the columns.
 */
function keptOf(tasks: readonly Task[]): Task[] {
  const byId = new Map(tasks.map((task) => [task._id, task]));
  const isOwn = ({ status, customProperties: { successorId } }: Task): boolean =>
    status !== "cancelled" && !(successorId && byId.has(successorId));
  return tasks
    .filter((task) => {
      const { parentTaskId } = task.customProperties;
      const parent = parentTaskId && byId.get(parentTaskId);
      return isOwn(task) && (!parent || isOwn(parent));
    })
    .sort((one, other) => {
      const columns = ORDER.indexOf(one.status) - ORDER.indexOf(other.status);
      if (columns !== 0) return columns;
      const [a, b] = [one.customProperties.position, other.customProperties.position];
      if (a !== b) return a < b ? -1 : 1;
      return one._creationTime - other._creationTime;
    });
}

type Days = { start: Day | null; due: Day | null };

/** On which days a task begins and is due: one that comes again, with its parts, when it came first. */
function daysOf(
  all: readonly Task[],
  kept: readonly Task[],
  timeZone: string,
): ReadonlyMap<Task, Days> {
  // Many tasks have the same days, and reckoning one in a zone takes its time.
  const known = new Map<number, Day>();
  const dayAt = (at: number | undefined): Day | null => {
    if (at === undefined) return null;
    const day = known.get(at) ?? dayOf(at, timeZone);
    known.set(at, day);
    return day;
  };
  const own = ({ customProperties: { startDate, dueDate } }: Task): Days => ({
    start: dayAt(startDate),
    due: dayAt(dueDate),
  });
  const before = new Map(
    all.flatMap((task) => {
      const { successorId } = task.customProperties;
      return successorId ? [[successorId, task] as const] : [];
    }),
  );
  const firstOf = (task: Task): Task => {
    const seen = new Set<Task>();
    let first = task;
    for (let next = before.get(first._id); next && !seen.has(next); next = before.get(next._id)) {
      seen.add(next);
      first = next;
    }
    return first;
  };
  const keptById = new Map(kept.map((task) => [task._id, task]));
  const shifts = new Map<Task, number | null>();
  const shiftOf = (task: Task): number | null => {
    if (shifts.has(task)) return shifts.get(task) ?? null;
    const { parentTaskId } = task.customProperties;
    const whole = (parentTaskId && keptById.get(parentTaskId)) ?? task;
    const [first, last] = [own(firstOf(whole)), own(whole)];
    const [from, to] = [last.due ?? last.start, first.due ?? first.start];
    // One that had no day at first got them by being done.
    const shift = to === null && whole !== firstOf(whole) ? null : between(from, to);
    shifts.set(task, shift);
    return shift;
  };
  return new Map(
    kept.map((task) => {
      const shift = shiftOf(task);
      const { start, due } = own(task);
      const moved = (day: Day | null): Day | null =>
        day === null || shift === null ? null : daysLater(day, shift);
      return [task, { start: moved(start), due: moved(due) }];
    }),
  );
}

function between(from: Day | null, to: Day | null): number {
  return from === null || to === null ? 0 : daysBetween(from, to);
}

/** Whole tasks before parts, and among each those first that others wait for. */
function inOrderOfMaking(tasks: readonly Task[]): Task[] {
  const byId = new Map(tasks.map((task) => [task._id, task]));
  const isPart = ({ customProperties: { parentTaskId } }: Task): boolean =>
    parentTaskId !== undefined && byId.has(parentTaskId);
  const made = new Set<Task>();
  for (const parts of [false, true]) {
    const met = new Set<Task>();
    const visit = (task: Task): void => {
      if (met.has(task)) return;
      met.add(task);
      for (const id of task.customProperties.dependsOn) {
        const other = byId.get(id);
        if (other && isPart(other) === parts) visit(other);
      }
      made.add(task);
    };
    for (const task of tasks) if (isPart(task) === parts) visit(task);
  }
  return [...made];
}

function placesIn(
  places: ReadonlyMap<Id<"objects">, number>,
  ids: readonly Id<"objects">[],
): number[] {
  return ids.map((id) => places.get(id)).filter((place) => place !== undefined);
}

const UNTIL = /(UNTIL=)(\d{4})(\d\d)(\d\d)/i;

function ends(rrule: string): boolean {
  return UNTIL.test(rrule);
}

/** A rule that ends on a day ends so many days later; one that ends with the calendar still does. */
export function movedRule(rrule: string, days: number): string {
  return rrule.replace(UNTIL, (whole, name: string, year: string, month: string, date: string) => {
    const moved = laterOnCalendar(`${year}-${month}-${date}`, days);
    return moved === null ? whole : name + moved.replaceAll("-", "");
  });
}

/** Null where there is no such day, or the calendar of four digits ends before. */
function laterOnCalendar(day: Day, days: number): Day | null {
  try {
    const later = daysLater(day, days);
    return /^\d{4}-/.test(later) ? later : null;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

type Given<Fields> = { [F in keyof Fields]?: Exclude<Fields[F], undefined | null | ""> };

function given<Fields extends object>(fields: Fields): Given<Fields> {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Given<Fields>;
}
