/**
 * Runs the actions of `"use node"` modules in a few processes of their own, so that what is slow there
 * (a password's hash, a PDF) holds up neither the deployment nor the other actions, and what ends its
 * process (native code of Node or a package that aborts) ends no other. Processes are
 * started as they are needed and ended when they have been idle for a while. An action has a process
 * to itself while there are enough; then it goes to the first one that is not busy with its own code.
 */
import { availableParallelism } from "node:os";
import type { Bundle, BundledModule } from "../bundle";
import { calls } from "../call";
import { Refusal } from "../errors";
import type { Environment } from "../globals";
import type { FunctionDescription } from "../registered";
import { NodeWorker } from "./nodeWorker";

export type NodePoolOptions = {
  processes?: number;
  /** Convex's limit for an action in Node. Nothing but the end of its process can stop its code. */
  limitMs?: number;
  idleMs?: number;
  /** Convex's limit for an action in Node; what needs more ends its process, not the server. */
  memoryMib?: number;
};

const DEFAULTS: Required<NodePoolOptions> = {
  // Two at least: one that computes must not hold up one that waits for a mail server.
  processes: Math.min(4, Math.max(2, availableParallelism())),
  limitMs: 10 * 60_000,
  idleMs: 60_000,
  memoryMib: 512,
};
/** How soon an overdue action's process has to answer to be left to its other actions. */
const ANSWER_MS = 1_000;
const STOPPING = "the deployment is stopping";

type Ask = (worker: NodeWorker) => Promise<string>;

export class NodePool {
  private readonly options: Required<NodePoolOptions>;
  private readonly workers = new Set<NodeWorker>();
  /** Processes that take no more actions, with how many of theirs have overrun their time. */
  private readonly retired = new Map<NodeWorker, number>();
  private readonly idleTimers = new Map<NodeWorker, NodeJS.Timeout>();
  /** The last action that waits for a process. */
  private waiting: Promise<unknown> = Promise.resolve();
  private running = 0;
  private whenIdle: (() => void) | null = null;
  private closed = false;

  constructor(
    private readonly bundle: Bundle,
    private environment: Environment,
    options: NodePoolOptions = {},
  ) {
    this.options = { ...DEFAULTS, ...options };
  }

  /** How many processes there are. */
  get size(): number {
    return this.workers.size + this.retired.size;
  }

  /** The functions of a module. @throws what the module throws while it is loaded */
  async describe({ path: module, file }: BundledModule): Promise<FunctionDescription[]> {
    const text = await this.onWorker((worker) =>
      worker.ask(undefined, (id) => ({ type: "describe", id, module, file })),
    );
    return JSON.parse(text) as FunctionDescription[];
  }

  /** Runs an action for the call that is current. */
  run({ path: module, file }: BundledModule, name: string, argsText: string): Promise<string> {
    const call = calls.getStore();
    return this.onWorker((worker) => {
      const answer = worker.ask(call, (id) => ({ type: "run", id, module, file, name, argsText }));
      return this.withinLimit(worker, name, answer);
    });
  }

  /** Holds from the next action on. */
  setEnvironment(environment: Environment): void {
    this.environment = environment;
    for (const worker of this.workers) worker.setEnvironment(environment);
  }

  /** Ends all processes when what runs in them has ended; nothing new may be asked. */
  async drain(): Promise<void> {
    if (this.running > 0) await new Promise<void>((resolve) => (this.whenIdle = resolve));
    await this.close();
  }

  /** Ends all processes at once; what runs in them fails. */
  async close(): Promise<void> {
    this.closed = true;
    const all = [...this.workers, ...this.retired.keys()];
    for (const worker of all) worker.end(STOPPING);
    await Promise.all(all.map((worker) => worker.terminated()));
  }

  private async onWorker(ask: Ask): Promise<string> {
    this.running++;
    try {
      const worker = this.idleWorker();
      return await (worker === null ? this.onAnyWorker(ask) : ask(worker));
    } finally {
      this.running--;
      if (this.running === 0) this.whenIdle?.();
      for (const worker of this.workers) this.endWhenIdle(worker);
      for (const worker of this.retired.keys()) this.endWhenUnused(worker);
    }
  }

  /** One that has nothing to do, or a new one; null if there are as many as there may be. */
  private idleWorker(): NodeWorker | null {
    if (this.closed) throw new Refusal(`Node actions have ended: ${STOPPING}`);
    const idle = [...this.workers].find((worker) => worker.running === 0);
    if (idle !== undefined) return idle;
    return this.workers.size < this.options.processes ? this.start() : null;
  }

  /** One after the other: whoever comes next must not choose a process that this one makes busy. */
  private async onAnyWorker(ask: Ask): Promise<string> {
    const asked = this.waiting.then(async () => {
      for (;;) {
        const worker = this.idleWorker() ?? (await firstToAnswer([...this.workers]));
        if (worker !== null && this.workers.has(worker)) return { answer: ask(worker) };
      }
    });
    this.waiting = asked.catch(() => undefined);
    return await (
      await asked
    ).answer;
  }

  private start(): NodeWorker {
    const { memoryMib } = this.options;
    const worker = new NodeWorker(this.bundle, this.environment, memoryMib, (ended) => {
      this.workers.delete(ended);
      this.retired.delete(ended);
      this.stopIdleTimer(ended);
    });
    this.workers.add(worker);
    return worker;
  }

  private endWhenIdle(worker: NodeWorker): void {
    this.stopIdleTimer(worker);
    if (worker.running > 0) return;
    const timer = setTimeout(() => {
      if (worker.running === 0) worker.end("it was idle");
    }, this.options.idleMs);
    this.idleTimers.set(worker, timer.unref());
  }

  private stopIdleTimer(worker: NodeWorker): void {
    clearTimeout(this.idleTimers.get(worker));
    this.idleTimers.delete(worker);
  }

  /** Fails the action alone when its time is up, unless its code holds the process. */
  private async withinLimit(
    worker: NodeWorker,
    name: string,
    answer: Promise<string>,
  ): Promise<string> {
    const { limitMs } = this.options;
    const why = `${name} has run for more than ${limitMs / 1_000}s`;
    let timer: NodeJS.Timeout | undefined;
    const overdue = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Refusal(`Function execution timed out: ${why}`));
        void this.retire(worker, why);
      }, limitMs).unref();
    });
    try {
      return await Promise.race([answer, overdue]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** An overdue action runs on, so its process ends as soon as no other needs it. */
  private async retire(worker: NodeWorker, why: string): Promise<void> {
    this.workers.delete(worker);
    this.stopIdleTimer(worker);
    this.retired.set(worker, (this.retired.get(worker) ?? 0) + 1);
    this.endWhenUnused(worker);
    const late = new Promise<false>((resolve) => setTimeout(resolve, ANSWER_MS, false).unref());
    if (!(await Promise.race([worker.ping(), late]))) worker.end(why);
  }

  private endWhenUnused(worker: NodeWorker): void {
    if (worker.running <= (this.retired.get(worker) ?? 0)) worker.end("it was retired");
  }
}

/** The first process whose code lets it answer; null if one ended instead. */
async function firstToAnswer(workers: readonly NodeWorker[]): Promise<NodeWorker | null> {
  return await Promise.race(workers.map(async (worker) => ((await worker.ping()) ? worker : null)));
}
