/**
 * What ran lately and what it wrote, in the form in which Convex streams it to `convex logs`. Kept
 * in memory only, a bounded number of executions and bytes: the lasting log is the server's stdout.
 */
import type { Transaction } from "../database/types";
import type { Call, CallKind } from "./call";
import type { FunctionFailure } from "./errors";
import { type Level, type LogFields, stringify } from "./log";
import { displayName } from "./names";

export type LogLine = {
  messages: string[];
  level: "DEBUG" | "LOG" | "WARN" | "ERROR";
  /** Milliseconds. */
  timestamp: number;
  isTruncated: boolean;
};

type UdfType = "Query" | "Mutation" | "Action" | "HttpAction";
type Common = {
  udfType: UdfType;
  identifier: string;
  /** Seconds. */
  timestamp: number;
  logLines: LogLine[];
  requestId: string;
  executionId: string;
};
type Completion = Common & {
  kind: "Completion";
  cachedResult: false;
  caller: "Scheduler" | "Client";
  /** Seconds. */
  executionTime: number;
  executionTimestamp: number;
  success: null;
  error: string | null;
  usageStats: Record<string, number> | null;
  willRetry: false;
  identityType: "unknown";
  environment: "isolate" | "node";
};
export type Execution = Completion | (Common & { kind: "Progress" });

const UDF_TYPES: Record<CallKind, UdfType> = {
  query: "Query",
  mutation: "Mutation",
  action: "Action",
  httpAction: "HttpAction",
};
const LEVELS: Record<Level, LogLine["level"]> = {
  debug: "DEBUG",
  info: "LOG",
  warn: "WARN",
  error: "ERROR",
};

/** Convex's limits for one function's log. */
const MAX_LINES = 256;
const MAX_MESSAGE_CHARACTERS = 32 * 2 ** 10;
/** Of what is kept for `--history`. */
const KEPT_EXECUTIONS = 1_000;
const KEPT_CHARACTERS = 4 * 2 ** 20;

export function logLine(level: Level, line: LogFields): LogLine {
  const { message } = line;
  const isText = typeof message === "string" && Object.keys(line).length === 1;
  const text = isText ? message : stringify(line);
  return {
    messages: [text.slice(0, MAX_MESSAGE_CHARACTERS)],
    level: LEVELS[level],
    timestamp: Date.now(),
    isTruncated: text.length > MAX_MESSAGE_CHARACTERS,
  };
}

type Kept = { cursor: number; execution: Execution; characters: number };

export class Executions {
  /** Told of every end, with the seconds that the call took. */
  onEnded: (call: Call, seconds: number, failure: FunctionFailure | null) => void = () => undefined;
  private kept: Kept[] = [];
  private characters = 0;
  private lastCursor = Date.now();
  private readonly lines = new WeakMap<Call, LogLine[]>();
  private readonly waiting = new Set<() => void>();

  /** A transaction's lines are shown with its end; an action may take long, so its lines are shown at once. */
  write(root: Call, line: LogLine): void {
    if (!root.isTransaction) {
      this.keep({
        kind: "Progress",
        udfType: UDF_TYPES[root.kind],
        identifier: displayName(root.entry.name),
        timestamp: line.timestamp / 1_000,
        logLines: [line],
        requestId: root.request.requestId,
        executionId: String(root.number),
      });
      return;
    }
    const lines = this.lines.get(root);
    if (lines === undefined) this.lines.set(root, [line]);
    else if (lines.length < MAX_LINES) lines.push(line);
  }

  /** `since` is the reading of `performance.now()` at the start. */
  ended(call: Call, since: number, failure: FunctionFailure | null): void {
    const took = performance.now() - since;
    const now = Date.now();
    this.onEnded(call, took / 1_000, failure);
    // One literal for every call that ends: spreading a part into it costs ten times as much.
    this.keep({
      kind: "Completion",
      udfType: UDF_TYPES[call.kind],
      identifier: displayName(call.entry.name),
      timestamp: now / 1_000,
      logLines: this.lines.get(call) ?? [],
      requestId: call.request.requestId,
      executionId: String(call.number),
      cachedResult: false,
      caller: call.request.scheduledFunctionId === null ? "Client" : "Scheduler",
      executionTime: took / 1_000,
      executionTimestamp: (now - took) / 1_000,
      success: null,
      error: failure?.message ?? null,
      usageStats: call.tx === null ? null : usageOf(call.tx),
      willRetry: false,
      identityType: "unknown",
      environment: call.entry.environment ?? "isolate",
    });
  }

  /** What came after `cursor`, an earlier answer's `newCursor`; 0 gives all that is kept. */
  after(cursor: number): { entries: Execution[]; newCursor: number } {
    const entries = this.kept.filter((kept) => kept.cursor > cursor);
    return { entries: entries.map(({ execution }) => execution), newCursor: this.lastCursor };
  }

  /** Resolves with the next execution, or when `signal` is aborted. */
  next(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.waiting.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      this.waiting.add(done);
      if (signal.aborted) done();
      else signal.addEventListener("abort", done);
    });
  }

  private keep(execution: Execution): void {
    // Milliseconds, as Convex's cursors are, but never the same twice.
    this.lastCursor = Math.max(Date.now(), this.lastCursor + 0.001);
    const characters = sizeOf(execution);
    this.kept.push({ cursor: this.lastCursor, execution, characters });
    this.characters += characters;
    while (this.kept.length > KEPT_EXECUTIONS || this.characters > KEPT_CHARACTERS) {
      this.characters -= this.kept.shift()?.characters ?? 0;
    }
    for (const resolve of [...this.waiting]) resolve();
  }
}

function sizeOf({ logLines }: Execution): number {
  let size = 256;
  for (const { messages } of logLines) for (const text of messages) size += text.length;
  return size;
}

function usageOf({ used }: Transaction): Record<string, number> {
  return {
    databaseReadBytes: used.bytesRead,
    databaseWriteBytes: used.bytesWritten,
    databaseReadDocuments: used.documentsRead,
    databaseWriteDocuments: used.documentsWritten,
  };
}
