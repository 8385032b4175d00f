/**
 * Runs scheduled functions when they are due. A mutation runs exactly once: its job ends in the
 * transaction of its own writes. An action runs at most once: its job is marked before it begins,
 * and one that is found marked after a crash has failed.
 */
import type { JSONValue } from "convex/values";
import { type RequestInfo, requestOfHost } from "../runtime/call";
import { checkArgs } from "../runtime/check";
import { ConflictError } from "../runtime/conflicts";
import type { Host } from "../runtime/host";
import { log } from "../runtime/log";
import type { FunctionEntry } from "../runtime/modules";
import { messageOf } from "../problem";
import type { Clock } from "./clock";
import { beginJob, completeJob, type Job, jobsEndedBefore, jobsIn, type JobState } from "./jobs";

type Lane = "mutation" | "action";
/** Actions wait for others, mutations only for their turn: so neither may take the other's places. */
const MAX_RUNNING: Record<Lane, number> = { mutation: 8, action: 32 };
/** Due jobs whose lane is full are passed over; so many are looked at for one that can begin. */
const MAX_PASSED_OVER = 1_000;
/** How long ended jobs can be read. */
const KEPT_MS = 7 * 24 * 3_600_000;
const SWEEP_EVERY_MS = 3_600_000;
const SWEEP_BATCH = 200;
const RETRY_FIRST_MS = 100;
const RETRY_LONGEST_MS = 10_000;

export class Scheduler {
  private readonly host: Host;
  private readonly clock: Clock;
  private readonly underWay = new Map<string, { lane: Lane; ended: Promise<void> }>();
  /** Jobs that met a conflict or a fault, and when they may be tried again. */
  private readonly delayed = new Map<string, { until: number; failures: number }>();
  private stopped = false;
  private looking = false;
  private lookAgain = false;
  private nextLook = Infinity;
  private cancelLook: () => void = () => undefined;
  private cancelSweep: () => void = () => undefined;

  constructor(host: Host, clock: Clock) {
    this.host = host;
    this.clock = clock;
  }

  async start(): Promise<void> {
    await this.host.database.mutation(async (tx) => {
      const interrupted = [...jobsIn(tx, "inProgress")];
      for (const { _id, name } of interrupted) {
        const error = "Transient error while executing action";
        completeJob(tx, _id, { kind: "failed", error }, this.clock.now());
        log("error", error, { function: name, scheduledFunctionId: _id });
      }
    });
    this.host.onScheduled = (due) => {
      this.lookAt(due);
    };
    this.lookAt(this.clock.now());
    this.sweepLater(0);
  }

  /** No job begins from now on; resolves when those under way have ended. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.cancelLook();
    this.cancelSweep();
    await Promise.allSettled([...this.underWay.values()].map(({ ended }) => ended));
  }

  /** How many jobs run now. */
  running(): Record<Lane, number> {
    const running = { mutation: 0, action: 0 };
    for (const { lane } of this.underWay.values()) running[lane]++;
    return running;
  }

  /** The jobs that are due and have not begun, as far as they are counted, and how late the first is. */
  async backlog(): Promise<{ due: number; lagMs: number }> {
    const now = this.clock.now();
    return await this.host.database.query(async (tx) => {
      let due = 0;
      let lagMs = 0;
      for (const { scheduledTime } of jobsIn(tx, "pending")) {
        if (scheduledTime > now || due === MAX_PASSED_OVER) break;
        due++;
        lagMs = Math.max(lagMs, now - scheduledTime);
      }
      return { due, lagMs };
    });
  }

  private lookAt(time: number): void {
    if (this.stopped || time >= this.nextLook) return;
    this.cancelLook();
    if (time <= this.clock.now()) {
      this.nextLook = Infinity;
      void this.look();
      return;
    }
    this.nextLook = time;
    this.cancelLook = this.clock.at(time, () => {
      this.nextLook = Infinity;
      void this.look();
    });
  }

  /** Starts what is due, and sees to it that the next job is looked for when it is. */
  private async look(): Promise<void> {
    if (this.looking) {
      this.lookAgain = true;
      return;
    }
    this.looking = true;
    try {
      do {
        this.lookAgain = false;
        const { due, next } = await this.host.database.query(async (tx) =>
          this.dueJobs(jobsIn(tx, "pending")),
        );
        if (this.stopped) return;
        for (const job of due) this.begin(job);
        if (next !== null) this.lookAt(next);
      } while (this.lookAgain);
    } catch (error) {
      log("error", `The scheduler could not read its jobs: ${messageOf(error)}`);
      this.cancelLook = this.clock.at(this.clock.now() + RETRY_LONGEST_MS, () => void this.look());
    } finally {
      this.looking = false;
    }
  }

  private dueJobs(pending: Iterable<Job>): { due: Job[]; next: number | null } {
    const now = this.clock.now();
    const due: Job[] = [];
    const places = this.freePlaces();
    let passedOver = 0;
    let next: number | null = null;
    for (const job of pending) {
      if (this.underWay.has(job._id)) continue;
      const time = this.delayed.get(job._id)?.until ?? job.scheduledTime;
      const lane = this.laneOf(job);
      if (time > now) next = Math.min(next ?? Infinity, time);
      else if (places[lane] > 0) {
        places[lane]--;
        due.push(job);
      }
      // No place: the end of any job makes us look again.
      else if (++passedOver >= MAX_PASSED_OVER || places.mutation + places.action === 0) break;
      if (job.scheduledTime > now) break;
    }
    return { due, next };
  }

  private freePlaces(): Record<Lane, number> {
    const places = { ...MAX_RUNNING };
    for (const { lane } of this.underWay.values()) places[lane]--;
    return places;
  }

  private laneOf(job: Job): Lane {
    return this.host.functions.find(job.name)?.kind === "action" ? "action" : "mutation";
  }

  private begin(job: Job): void {
    const ended = this.runJob(job)
      .catch((error: unknown) => {
        this.delay(job);
        log("error", `Scheduled function not run: ${messageOf(error)}`, { function: job.name });
      })
      .finally(() => {
        this.underWay.delete(job._id);
        if (!this.stopped) void this.look();
      });
    this.underWay.set(job._id, { lane: this.laneOf(job), ended });
  }

  private async runJob(job: Job): Promise<void> {
    const entry = this.host.functions.find(job.name);
    const request = requestOfHost(job._id);
    if (entry?.kind === "mutation") await this.runMutation(job, entry, request);
    else if (entry?.kind === "action") await this.runAction(job, entry, request);
    else {
      const error =
        entry === undefined
          ? `Could not find function for '${job.name}'.`
          : `Unsupported function type. ${job.name} is defined as a ${entry.kind}. Only mutations and actions can be scheduled.`;
      log("error", error, { function: job.name, requestId: request.requestId });
      await this.complete(job, { kind: "failed", error });
    }
  }

  private async runMutation(job: Job, entry: FunctionEntry, request: RequestInfo): Promise<void> {
    let begun = true;
    try {
      const args = checkArgs(entry, firstArgument(job), this.host.tableName);
      await this.host.runMutation(entry, args, request, {
        before: (tx) => (begun = beginJob(tx, job._id)),
        after: (tx) => {
          completeJob(tx, job._id, { kind: "success" }, this.clock.now());
        },
      });
      this.delayed.delete(job._id);
    } catch (error) {
      if (!begun) return;
      // Convex tries a scheduled mutation for as long as it meets conflicts.
      if (error instanceof ConflictError) {
        this.delay(job);
        return;
      }
      this.host.logFailure(entry, request, error);
      await this.complete(job, { kind: "failed", error: messageOf(error) });
    }
  }

  private async runAction(job: Job, entry: FunctionEntry, request: RequestInfo): Promise<void> {
    const { value: begun } = await this.host.database.mutation(async (tx) => beginJob(tx, job._id));
    if (!begun) return;
    let state: JobState = { kind: "success" };
    try {
      await this.host.run("action", entry.name, firstArgument(job), request, "all");
    } catch (error) {
      state = { kind: "failed", error: messageOf(error) };
    }
    await this.complete(job, state);
  }

  private async complete(job: Job, state: JobState): Promise<void> {
    await this.host.database.mutation(async (tx) => {
      completeJob(tx, job._id, state, this.clock.now());
    });
    this.delayed.delete(job._id);
  }

  private delay(job: Job): void {
    const failures = (this.delayed.get(job._id)?.failures ?? 0) + 1;
    const wait = Math.min(RETRY_FIRST_MS * 2 ** (failures - 1), RETRY_LONGEST_MS);
    this.delayed.set(job._id, { until: this.clock.now() + wait, failures });
  }

  private sweepLater(wait: number): void {
    this.cancelSweep = this.clock.at(this.clock.now() + wait, () => {
      this.sweep()
        .catch((error: unknown) => {
          log("error", `Ended jobs could not be removed: ${messageOf(error)}`);
          return false;
        })
        .then((more) => {
          if (!this.stopped) this.sweepLater(more ? 0 : SWEEP_EVERY_MS);
        })
        .catch(() => undefined);
    });
  }

  /** Removes jobs that ended long ago, some at a time; true if there may be more. */
  async sweep(): Promise<boolean> {
    const before = this.clock.now() - KEPT_MS;
    const { value } = await this.host.database.mutation(async (tx) => {
      const old: string[] = [];
      for (const job of jobsEndedBefore(tx, before)) {
        if (old.push(job._id) === SWEEP_BATCH) break;
      }
      for (const id of old) tx.system.remove(id);
      return old.length;
    });
    return value === SWEEP_BATCH;
  }
}

function firstArgument(job: Job): JSONValue {
  return job.args[0] ?? {};
}
