/**
 * Runs the jobs of `convex/crons.ts`. Each has a row in `_cron_jobs` with the time of its next
 * run, which moves on in the transaction of a mutation's own writes, or before an action begins:
 * so a restart neither loses a job nor runs it twice.
 */
import type { JSONValue } from "convex/values";
import type { Transaction } from "../database/types";
import { type RequestInfo, requestOfHost } from "../runtime/call";
import { checkArgs } from "../runtime/check";
import { ConflictError } from "../runtime/conflicts";
import type { Host } from "../runtime/host";
import { log } from "../runtime/log";
import type { CronJson, FunctionEntry, Functions } from "../runtime/modules";
import { messageOf, Problem } from "../problem";
import type { Clock } from "./clock";
import { nextRun, plausibleRun } from "./cronTimes";

const TABLE = "_cron_jobs";
const RETRY_MS = 1_000;

type CronRow = { _id: string; name: string; next: number; definition: string };

export class Crons {
  private readonly host: Host;
  private readonly clock: Clock;
  private jobs = new Map<string, CronJson>();
  /** Grows with every reload, so that what an earlier version began does not go on in its name. */
  private version = 0;
  private readonly running = new Map<string, Promise<void>>();
  private readonly timers = new Map<string, () => void>();
  private stopped = false;

  constructor(host: Host, clock: Clock) {
    this.host = host;
    this.clock = clock;
  }

  /** Brings the rows in line with the file, then waits for each job's time; again after a reload. */
  async start(): Promise<void> {
    checkCrons(this.host.functions);
    this.version++;
    for (const cancel of this.timers.values()) cancel();
    this.timers.clear();
    this.jobs = new Map(Object.entries(this.host.functions.crons));
    const { value: rows } = await this.host.database.mutation(async (tx) => this.sync(tx));
    for (const { name, next } of rows) this.waitFor(name, next);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    for (const cancel of this.timers.values()) cancel();
    await Promise.allSettled(this.running.values());
  }

  private sync(tx: Transaction): { name: string; next: number }[] {
    const known = new Map(rowsOf(tx).map((row) => [row.name, row]));
    const now = this.clock.now();
    const waiting: { name: string; next: number }[] = [];
    for (const [name, job] of this.jobs) {
      const row = known.get(name);
      known.delete(name);
      const definition = JSON.stringify(job);
      if (row?.definition === definition) {
        waiting.push({ name, next: keepPlausible(tx, row, job, now) });
        continue;
      }
      const next = nextRun(name, job.schedule, null, now);
      if (row === undefined) tx.system.insert(TABLE, { name, next, definition });
      else tx.system.shallowMerge(row._id, { next, definition });
      waiting.push({ name, next });
    }
    for (const { _id } of known.values()) tx.system.remove(_id);
    return waiting;
  }

  private waitFor(name: string, time: number): void {
    if (this.stopped) return;
    const { version } = this;
    const cancel = this.clock.at(time, () => {
      const busy = this.running.get(name);
      // The clock has been set back: the time of a row may lie too far ahead now.
      if (busy === undefined && this.clock.now() < time) {
        this.begin(name, version, () => this.nextOf(name));
        return;
      }
      // A run that began before a reload: its job's next one waits for it.
      if (busy === undefined) this.begin(name, version, () => this.runJob(name, time));
      else {
        void busy.then(() => {
          if (version === this.version) this.waitFor(name, time);
        });
      }
    });
    this.timers.set(name, cancel);
  }

  /** Does something of the job that gives the time of its next run, and waits for that. */
  private begin(name: string, version: number, work: () => Promise<number>): void {
    const running = work()
      .catch((error: unknown) => {
        if (version === this.version) {
          log("error", `Cron job "${name}" not run: ${messageOf(error)}`);
        }
        return this.clock.now() + RETRY_MS;
      })
      .then((next) => {
        this.running.delete(name);
        // After a reload the job has been set up anew, or is gone.
        if (version === this.version) this.waitFor(name, next);
      });
    this.running.set(name, running);
  }

  /** Runs the job and gives the time of its next run, which is after the end of this one. */
  private async runJob(name: string, due: number): Promise<number> {
    const job = this.jobs.get(name);
    if (job === undefined) throw new Problem(`crons: there is no job "${name}"`);
    const entry = entryOf(this.host.functions, name, job);
    const request = requestOfHost();
    const advance = (tx: Transaction): boolean => this.advance(tx, name, job, due);
    const args = job.args[0] ?? {};
    try {
      if (entry.kind === "mutation") await this.runMutation(entry, args, request, advance);
      else {
        const { value: mine } = await this.host.database.mutation(async (tx) => advance(tx));
        if (mine) await this.host.run("action", entry.name, args, request, "all");
      }
    } catch (error) {
      if (error instanceof ConflictError) return this.clock.now() + RETRY_MS;
      if (entry.kind === "mutation") {
        this.host.logFailure(entry, request, error);
        await this.host.database.mutation(async (tx) => advance(tx));
      }
    }
    return await this.nextOf(name);
  }

  private async runMutation(
    entry: FunctionEntry,
    args: JSONValue,
    request: RequestInfo,
    advance: (tx: Transaction) => boolean,
  ): Promise<void> {
    let mine = true;
    try {
      const argsText = checkArgs(entry, args, this.host.tableName);
      await this.host.runMutation(entry, argsText, request, {
        before: (tx) => (mine = advance(tx)),
        after: () => undefined,
      });
    } catch (error) {
      if (mine) throw error;
    }
  }

  /** Moves the job on to its next time; false if that has been done already. */
  private advance(tx: Transaction, name: string, job: CronJson, due: number): boolean {
    const row = rowsOf(tx, name)[0];
    if (row === undefined || row.next > due) return false;
    const next = nextRun(name, job.schedule, row.next, this.clock.now());
    tx.system.shallowMerge(row._id, { next });
    return true;
  }

  /** Only one run of a job at a time: what came due during this one is skipped. */
  private async nextOf(name: string): Promise<number> {
    const job = this.jobs.get(name);
    if (job === undefined) throw new Problem(`crons: there is no job "${name}"`);
    const now = this.clock.now();
    const { value } = await this.host.database.mutation(async (tx) => {
      const row = rowsOf(tx, name)[0];
      if (row === undefined) throw new Problem(`crons: the row of "${name}" is gone`);
      if (row.next > now) return keepPlausible(tx, row, job, now);
      const next = nextRun(name, job.schedule, row.next, now);
      tx.system.shallowMerge(row._id, { next });
      return next;
    });
    return value;
  }
}

/** The row's time, brought forward where the clock has been set back since it was worked out. */
function keepPlausible(tx: Transaction, row: CronRow, job: CronJson, now: number): number {
  const next = plausibleRun(row.name, job.schedule, row.next, now);
  if (next < row.next) tx.system.shallowMerge(row._id, { next });
  return next;
}

/** @throws Problem for a job that cannot run: no such function, or a time that is none */
export function checkCrons(functions: Functions): void {
  for (const [name, job] of Object.entries(functions.crons)) {
    entryOf(functions, name, job);
    nextRun(name, job.schedule, null, 0);
  }
}

function entryOf(functions: Functions, name: string, job: CronJson): FunctionEntry {
  const entry = functions.find(job.name);
  if (entry === undefined || (entry.kind !== "mutation" && entry.kind !== "action")) {
    throw new Problem(
      `crons: "${name}" runs ${job.name}, which is no mutation or action of this folder`,
    );
  }
  return entry;
}

function rowsOf(tx: Transaction, name?: string): CronRow[] {
  const range = name === undefined ? [] : [{ type: "Eq" as const, fieldPath: "name", value: name }];
  const source = {
    type: "IndexRange" as const,
    indexName: `${TABLE}.by_name`,
    range,
    order: "asc" as const,
  };
  const texts = [...tx.system.query({ source, operators: [] })];
  return texts.map((text) => JSON.parse(text) as CronRow);
}
