/** When a cron job runs next. All times are UTC, in milliseconds. */
import { Cron } from "croner";
import type { CronScheduleJson } from "../runtime/modules";
import { messageOf, Problem } from "../problem";

/**
 * The first run after `now`. `previous` anchors intervals; a job that has never run and has an
 * interval runs at once, as on Convex. Runs that were missed are not made up for.
 */
export function nextRun(
  name: string,
  schedule: CronScheduleJson,
  previous: number | null,
  now: number,
): number {
  if (schedule.type === "interval") {
    const { seconds = 0, minutes = 0, hours = 0 } = schedule;
    const every = (seconds + 60 * minutes + 3_600 * hours) * 1_000;
    if (previous === null) return now;
    const missed = Math.max(0, Math.floor((now - previous) / every));
    return previous + (missed + 1) * every;
  }
  const next = parse(name, cronExpression(name, schedule)).nextRun(new Date(now));
  // A date that never comes (February 30th): as far away as timers need to know.
  return next?.getTime() ?? Number.MAX_SAFE_INTEGER;
}

/** A next run that was worked out earlier, or an earlier one where the clock has been set back since. */
export function plausibleRun(
  name: string,
  schedule: CronScheduleJson,
  next: number,
  now: number,
): number {
  return Math.min(next, nextRun(name, schedule, now, now));
}

function cronExpression(
  name: string,
  schedule: Exclude<CronScheduleJson, { type: "interval" }>,
): string {
  if (schedule.type === "cron") return schedule.cron;
  // Without a minute Convex picks one for each job and keeps it.
  const minute = schedule.minuteUTC ?? spread(name);
  switch (schedule.type) {
    case "hourly":
      return `${minute} * * * *`;
    case "daily":
      return `${minute} ${schedule.hourUTC} * * *`;
    case "weekly":
      return `${minute} ${schedule.hourUTC} * * ${schedule.dayOfWeek.slice(0, 3)}`;
    case "monthly":
      return `${minute} ${schedule.hourUTC} ${schedule.day} * *`;
  }
}

function parse(name: string, expression: string): Cron {
  // Convex has no field for seconds and no nicknames such as @daily.
  if (expression.trim().split(/\s+/).length !== 5) {
    throw new Problem(
      `crons: "${name}": "${expression}" does not have the five fields of a cron expression`,
    );
  }
  try {
    return new Cron(expression, { timezone: "UTC" });
  } catch (error) {
    throw new Problem(`crons: "${name}": ${messageOf(error)}`);
  }
}

function spread(name: string): number {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 1_000_003;
  return hash % 60;
}
