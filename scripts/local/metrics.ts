/** What `/metrics` shows, in the text format of Prometheus. Times are in seconds, sizes in bytes. */
import { stat, statfs } from "node:fs/promises";
import path from "node:path";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { LiveServer } from "./live/server";
import type { Host } from "./runtime/host";
import type { Scheduler } from "./scheduler/scheduler";

export type MetricsSources = { host: Host; scheduler: Scheduler; live: LiveServer; data: string };

/** From a point read to an action that waits for a slow mail server. */
const DURATIONS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60];

export class Metrics {
  private readonly registry = new Registry();
  private collectsProcess = false;

  constructor(sources: MetricsSources) {
    this.countCalls(sources);
    this.countCommits(sources);
    this.watchJobs(sources);
    this.watchLive(sources);
    this.watchStore(sources);
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  async print(): Promise<string> {
    // Watching the process costs something, so it begins when somebody asks.
    if (!this.collectsProcess) collectDefaultMetrics({ register: this.registry });
    this.collectsProcess = true;
    return await this.registry.metrics();
  }

  private countCalls({ host }: MetricsSources): void {
    const durations = new Histogram({
      name: "freehold_call_duration_seconds",
      help: "Queries, mutations, actions and HTTP actions that have ended, by how they ended.",
      labelNames: ["kind", "outcome"] as const,
      buckets: DURATIONS,
      registers: [this.registry],
    });
    host.executions.onEnded = (call, seconds, failure) => {
      const outcome = failure === null ? "success" : "failure";
      durations.observe({ kind: call.kind, outcome }, seconds);
    };
  }

  private countCommits({ host }: MetricsSources): void {
    const registers = [this.registry];
    const commits = new Counter({
      name: "freehold_commits_total",
      help: "Transactions that have written something and are on disk.",
      registers,
    });
    const documents = new Counter({
      name: "freehold_documents_written_total",
      help: "Documents that these have written or removed.",
      registers,
    });
    host.database.onCommit(({ writes }) => {
      commits.inc();
      documents.inc(writes.length);
    });
    const conflicts = new Counter({
      name: "freehold_conflicts_total",
      help: "Attempts of mutations that a conflict has rolled back.",
      registers,
    });
    host.onConflict = () => {
      conflicts.inc();
    };
  }

  private watchJobs({ scheduler }: MetricsSources): void {
    const registers = [this.registry];
    new Gauge({
      name: "freehold_jobs_running",
      help: "Scheduled functions that run now.",
      labelNames: ["kind"] as const,
      registers,
      collect() {
        for (const [kind, running] of Object.entries(scheduler.running())) {
          this.set({ kind }, running);
        }
      },
    });
    new Gauge({
      name: "freehold_jobs_due",
      help: "Scheduled functions that are due and have not begun, counted up to 1,000.",
      registers,
      async collect() {
        this.set((await scheduler.backlog()).due);
      },
    });
    new Gauge({
      name: "freehold_jobs_lag_seconds",
      help: "For how long the first of these has been waiting to begin.",
      registers,
      async collect() {
        this.set((await scheduler.backlog()).lagMs / 1_000);
      },
    });
  }

  private watchLive({ live }: MetricsSources): void {
    const registers = [this.registry];
    new Gauge({
      name: "freehold_live_connections",
      help: "Open WebSockets.",
      registers,
      collect() {
        this.set(live.size);
      },
    });
    new Gauge({
      name: "freehold_live_subscriptions",
      help: "Different live queries; equal ones of several clients count once.",
      registers,
      collect() {
        this.set(live.subscriptions.size);
      },
    });
  }

  private watchStore({ host, data }: MetricsSources): void {
    const registers = [this.registry];
    new Gauge({
      name: "freehold_store_bytes",
      help: "Size of the database file; stored files are beside it.",
      registers,
      async collect() {
        this.set((await stat(path.join(data, "database", "store", "data.mdb"))).size);
      },
    });
    new Gauge({
      name: "freehold_disk_free_bytes",
      help: "What is left on the disk of the data folder.",
      registers,
      async collect() {
        const { bavail, bsize } = await statfs(data);
        this.set(bavail * bsize);
      },
    });
    new Gauge({
      name: "freehold_node_processes",
      help: 'Threads of actions in "use node" files.',
      registers,
      collect() {
        this.set(host.code.pool.size);
      },
    });
  }
}
