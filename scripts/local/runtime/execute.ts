/** Enters a function and sees to it that its call ends, one way or the other. */
import { type Call, type CallKind, calls } from "./call";
import { functionFailure, Refusal } from "./errors";

/** For how long a call may stand open; a transaction only as long as its host takes to answer it. */
const OPEN_LIMIT_MS: Record<CallKind, number> = {
  query: 15_000,
  mutation: 15_000,
  action: 30 * 60_000,
  httpAction: 30 * 60_000,
};
const LOOK_EVERY_MS = 250;
/**
 * A query or mutation that waits for something else than its host is closed after a second: an open
 * mutation holds up all that follow. It is counted in looks, not in time, so that a call is not
 * blamed for the time that another one took. What this cannot help is code that never lets go of the
 * thread: a synchronous endless loop stops everything, and only ending the process stops it.
 */
const IDLE_LOOKS = 4;

/** A call that has been entered and has not ended. */
class Open<T> {
  readonly limit: number;
  readonly since: number;
  readonly until: number;
  private idleLooks = 0;

  constructor(
    private readonly call: Call,
    private readonly resolve: (value: T) => void,
    private readonly reject: (error: unknown) => void,
  ) {
    this.limit = OPEN_LIMIT_MS[call.kind];
    this.since = performance.now();
    this.until = this.since + this.limit;
    open.add(this as Open<unknown>);
    watch ??= setInterval(closeOverdue, LOOK_EVERY_MS).unref();
  }

  succeed(value: T): void {
    try {
      this.call.pauseClock();
    } catch (error) {
      this.fail(error);
      return;
    }
    open.delete(this as Open<unknown>);
    // The body of an HTTP answer may still be written with the action's context.
    if (this.call.kind !== "httpAction") this.call.finish();
    if (this.call.depth === 0) this.call.host.executions.ended(this.call, this.since, null);
    this.resolve(value);
  }

  look(now: number): void {
    this.idleLooks = this.call.takeIdle() ? this.idleLooks + 1 : 0;
    if (this.idleLooks >= IDLE_LOOKS) {
      this.fail(
        new Refusal(
          `Function execution timed out: it has waited 1s for something that is not an operation of its ctx, and queries and mutations can wait for nothing else`,
        ),
      );
    } else if (this.until <= now) {
      const seconds = this.limit / 1_000;
      this.fail(new Refusal(`Function execution timed out (maximum duration: ${seconds}s)`));
    }
  }

  fail(error: unknown): void {
    open.delete(this as Open<unknown>);
    this.call.finish();
    const failure = functionFailure(error);
    if (this.call.depth === 0) this.call.host.executions.ended(this.call, this.since, failure);
    this.reject(failure);
  }
}

const open = new Set<Open<unknown>>();
let watch: NodeJS.Timeout | null = null;

/** The printed result of the function, or a FunctionFailure. */
export function execute(call: Call, argsText: string): Promise<string> {
  return within(call, () => call.entry.invoke(argsText));
}

export function within<T>(call: Call, run: () => Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const entered = new Open(call, resolve, reject);
    call.startClock();
    calls.run(call, run).then(
      (value) => {
        entered.succeed(value);
      },
      (error: unknown) => {
        entered.fail(error);
      },
    );
  });
}

/** One timer for all calls: they are many, and hardly ever late. */
function closeOverdue(): void {
  const now = performance.now();
  for (const entry of open) entry.look(now);
  if (open.size === 0 && watch !== null) {
    clearInterval(watch);
    watch = null;
  }
}
