/** The call that is running: who called what, in which transaction, and for how long. */
import { AsyncLocalStorage } from "node:async_hooks";
import { randomFillSync } from "node:crypto";
import type { Transaction } from "../database/types";
import type { CallerIdentity } from "../identity";
import { Refusal } from "./errors";
import type { LogLine } from "./executions";
import type { FunctionEntry, Functions } from "./modules";
import type { Host } from "./host";

export type CallKind = "query" | "mutation" | "action" | "httpAction";

/** What set off a call; handed down to every call that it makes. */
export type RequestInfo = {
  requestId: string;
  ip: string | null;
  userAgent: string | null;
  scheduledFunctionId: string | null;
  identity: CallerIdentity;
  /** Told of each line that a function writes, where the caller is to see them. */
  onLog?: (line: LogLine) => void;
};

let lastCall = 0;

/** Of a query's or mutation's own code, as Convex allows. */
export const OWN_TIME_LIMIT_MS = 1_000;

export class Call {
  readonly kind: CallKind;
  readonly entry: FunctionEntry;
  readonly host: Host;
  /** Of a transaction those with which it began, whatever is saved meanwhile; else the newest. */
  private readonly ownFunctions: Functions | null;
  readonly request: RequestInfo;
  /** The transaction of a query or mutation; nested calls share it. */
  readonly tx: Transaction | null;
  /** How many calls stand around this one in the same transaction. */
  readonly depth: number;
  /** What `Date.now()` says throughout a query or mutation. */
  readonly startedAt: number;
  /** Set while a nested transaction runs, which the other operations of this call wait for. */
  gate: Promise<unknown> | null = null;
  /** Whether this function has read its one page. */
  hasPaginated = false;
  /**
   * Where the page of a live query ends: given by its last run, and kept for its next, so that its
   * pages stay next to each other while rows come and go.
   */
  endCursor: string | null = null;
  /** Whether the result depends on who asks. */
  private askedIdentity = false;
  /** The earliest due time of what this transaction scheduled. */
  scheduledFor = Infinity;
  /** The last table written, to name it in an injected conflict. */
  writtenTable: string | null = null;
  /** The files that the code of this transaction has put on disk, with or without a row. */
  readonly storedFiles: string[];
  /** Operations of the host that this call waits for. */
  operations = 0;
  /** Whether the call has come to the host since it was last looked at. */
  private active = true;
  private ownTimeMs = 0;
  private readonly processorAtStart = recentProcessorUsage();
  /** The outermost call of the transaction: the limit is for all of it. */
  private readonly root: Call;
  private finished = false;
  private randomState: (() => number) | null = null;
  /** Tells calls of one request apart. */
  readonly number = ++lastCall;

  constructor(
    host: Host,
    kind: CallKind,
    entry: FunctionEntry,
    request: RequestInfo,
    tx: Transaction | null,
    parent: Call | null,
  ) {
    this.host = host;
    this.ownFunctions = tx === null ? null : (parent?.functions ?? host.functions);
    this.kind = kind;
    this.entry = entry;
    this.request = request;
    this.tx = tx;
    this.root = parent === null ? this : parent.root;
    this.storedFiles = parent === null ? [] : parent.storedFiles;
    this.depth = parent === null ? 0 : parent.depth + 1;
    this.startedAt = parent === null ? Date.now() : parent.startedAt;
  }

  /** Whether the result may depend on who called, so that other callers cannot share it. */
  get usedIdentity(): boolean {
    return this.root.askedIdentity;
  }

  readIdentity(): CallerIdentity {
    this.root.askedIdentity = true;
    return this.request.identity;
  }

  /** The functions that it can call, and schedule. */
  get functions(): Functions {
    return this.ownFunctions ?? this.host.functions;
  }

  get isTransaction(): boolean {
    return this.tx !== null;
  }

  /** A line that the function wrote with `console`. */
  writeLog(line: LogLine): void {
    this.request.onLog?.(line);
    this.host.executions.write(this.root, line);
  }

  /** A finished call's transaction is committed or gone: what still runs of it must not use it. */
  finish(): void {
    this.finished = true;
  }

  /** Begins to count the own time of a query or mutation. */
  startClock(): void {
    lastMark = performance.now();
  }

  /** The function's code has run until now; what the host does next is not its own time. */
  pauseClock(): void {
    if (this.finished) {
      throw new Refusal(
        `${this.entry.name} used its context after it had returned. Await everything that it starts.`,
      );
    }
    if (this.tx === null) return;
    this.active = true;
    const now = performance.now();
    this.root.ownTimeMs += now - lastMark;
    lastMark = now;
    const { ownTimeLimitMs } = this.host;
    if (this.root.ownTimeMs > ownTimeLimitMs && this.root.processorMs() > ownTimeLimitMs) {
      const seconds = ownTimeLimitMs / 1_000;
      throw new Refusal(`Function execution timed out (maximum duration: ${seconds}s)`);
    }
  }

  /**
   * What the process has computed since this call began, at least as much as the call itself has:
   * while a busy machine lets the process wait, the clock goes on and the function does not.
   */
  private processorMs(): number {
    const { user, system } = process.cpuUsage(this.processorAtStart);
    return (user + system) / 1_000;
  }

  /** Whether it has neither used the host nor waited for it since this was last asked. */
  takeIdle(): boolean {
    const isIdle = this.tx !== null && !this.active && this.operations === 0;
    this.active = false;
    return isIdle;
  }

  resumeClock(): void {
    if (this.tx !== null) lastMark = performance.now();
  }

  random(): number {
    this.randomState ??= seededRandom();
    return this.randomState();
  }
}

/**
 * Since when the code that runs now has been running. One mark serves all calls: JavaScript runs
 * one thing at a time, so whoever comes next to the host has run since the last who left it.
 */
let lastMark = 0;

/** Asking the system for each call would cost a call a twentieth of its time. */
const PROCESSOR_READ_EVERY_MS = 50;
let processorRead = { at: performance.now(), usage: process.cpuUsage() };

/** What the process had computed some moments ago: at most what it has computed by now. */
function recentProcessorUsage(): NodeJS.CpuUsage {
  const now = performance.now();
  if (now - processorRead.at > PROCESSOR_READ_EVERY_MS) {
    processorRead = { at: now, usage: process.cpuUsage() };
  }
  return processorRead.usage;
}

export const calls = new AsyncLocalStorage<Call>();

/** The small fast counter generator (sfc32), seeded anew for each call. */
function seededRandom(): () => number {
  const at = takeRandom(16);
  let a = pool.readInt32LE(at);
  let b = pool.readInt32LE(at + 4);
  let c = pool.readInt32LE(at + 8);
  let d = pool.readInt32LE(at + 12);
  return () => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return (t >>> 0) / 4_294_967_296;
  };
}

/** Random bytes, made many at a time: each call needs only a few. */
const pool = Buffer.alloc(8_192);
let poolUsed = pool.length;

/** Where in the pool that many bytes stand that nobody else has been given. */
function takeRandom(bytes: number): number {
  if (poolUsed + bytes > pool.length) {
    randomFillSync(pool);
    poolUsed = 0;
  }
  poolUsed += bytes;
  return poolUsed - bytes;
}

/** Of what the host itself sets off: a job, a cron, the demo. */
export function requestOfHost(scheduledFunctionId: string | null = null): RequestInfo {
  const requestId = newRequestId();
  return { requestId, ip: null, userAgent: null, scheduledFunctionId, identity: null };
}

/** 16 hexadecimal digits, as Convex's request ids are. */
export function newRequestId(): string {
  const at = takeRandom(8);
  return pool.toString("hex", at, at + 8);
}
