/** Counts what a transaction uses, and stops it at Convex's limits. */
import { LimitError, TRANSACTION_LIMITS, type TransactionLimits } from "./limits";
import type { Metrics } from "./types";

const WRITE_METRICS = [
  "bytesWritten",
  "documentsWritten",
  "functionsScheduled",
  "scheduledFunctionArgsBytes",
  "filesWritten",
  "fileWriteBytes",
] as const;

export type UsageMark = { used: TransactionLimits; limits: TransactionLimits };

export class Usage {
  private used: TransactionLimits = {
    bytesRead: 0,
    bytesWritten: 0,
    databaseQueries: 0,
    documentsRead: 0,
    documentsWritten: 0,
    functionsScheduled: 0,
    scheduledFunctionArgsBytes: 0,
    filesWritten: 0,
    fileWriteBytes: 0,
    filesRead: 0,
    fileReadBytes: 0,
  };
  private limits: TransactionLimits = TRANSACTION_LIMITS;

  countQuery(): void {
    this.add("databaseQueries", 1);
  }

  countRead(bytes: number): void {
    this.add("documentsRead", 1);
    this.add("bytesRead", bytes);
  }

  countWrite(bytes: number): void {
    this.add("documentsWritten", 1);
    this.add("bytesWritten", bytes);
  }

  countScheduled(argsBytes: number): void {
    this.add("functionsScheduled", 1);
    this.add("scheduledFunctionArgsBytes", argsBytes);
  }

  countFileRead(bytes: number): void {
    this.add("filesRead", 1);
    this.add("fileReadBytes", bytes);
  }

  countFileWritten(bytes: number): void {
    this.add("filesWritten", 1);
    this.add("fileWriteBytes", bytes);
  }

  /** A nested transaction may lower its own budget, but never raise what its parent has left. */
  narrow(budget: Partial<TransactionLimits> | undefined): UsageMark {
    const mark = { used: { ...this.used }, limits: this.limits };
    if (budget === undefined) return mark;
    const limits = { ...this.limits };
    for (const metric of Object.keys(limits) as (keyof Metrics)[]) {
      const allowed = budget[metric];
      if (allowed !== undefined) {
        limits[metric] = Math.min(limits[metric], this.used[metric] + allowed);
      }
    }
    this.limits = limits;
    return mark;
  }

  /** Ends a nested transaction. What it read was read, even if what it wrote is undone. */
  restore(mark: UsageMark, undone: boolean): void {
    this.limits = mark.limits;
    if (!undone) return;
    for (const metric of WRITE_METRICS) this.used[metric] = mark.used[metric];
  }

  get totals(): Readonly<TransactionLimits> {
    return this.used;
  }

  report(): Metrics {
    const { used, limits } = this;
    const of = (metric: keyof Metrics): Metrics[keyof Metrics] => {
      return { used: used[metric], remaining: limits[metric] - used[metric] };
    };
    return {
      bytesRead: of("bytesRead"),
      bytesWritten: of("bytesWritten"),
      databaseQueries: of("databaseQueries"),
      documentsRead: of("documentsRead"),
      documentsWritten: of("documentsWritten"),
      functionsScheduled: of("functionsScheduled"),
      scheduledFunctionArgsBytes: of("scheduledFunctionArgsBytes"),
      filesWritten: of("filesWritten"),
      fileWriteBytes: of("fileWriteBytes"),
      filesRead: of("filesRead"),
      fileReadBytes: of("fileReadBytes"),
    };
  }

  private add(metric: keyof Metrics, amount: number): void {
    const used = this.used[metric] + amount;
    this.used[metric] = used;
    if (used > this.limits[metric]) throw new LimitError(metric, this.limits[metric]);
  }
}
