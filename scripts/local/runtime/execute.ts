/** Enters a function and sees to it that its call ends, one way or the other. */
import { type Call, type CallKind, calls } from "./call";
import { functionFailure, Refusal } from "./errors";

/**
 * For how long a call may stand open. A transaction has one second of its own code; the rest is
 * for what it waits for, and an open mutation holds up all that follow.
 */
const OPEN_LIMIT_MS: Record<CallKind, number> = {
  query: 15_000,
  mutation: 15_000,
  action: 30 * 60_000,
  httpAction: 30 * 60_000,
};
const NODE_ACTION_LIMIT_MS = 10 * 60_000;

/** A call that has been entered and has not ended. */
class Open<T> {
  readonly limit: number;
  readonly until: number;

  constructor(
    private readonly call: Call,
    private readonly resolve: (value: T) => void,
    private readonly reject: (error: unknown) => void,
  ) {
    const isNode = call.entry.environment === "node";
    this.limit = isNode ? NODE_ACTION_LIMIT_MS : OPEN_LIMIT_MS[call.kind];
    this.until = performance.now() + this.limit;
    open.add(this as Open<unknown>);
    watch ??= setInterval(closeOverdue, 1_000).unref();
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
    this.resolve(value);
  }

  fail(error: unknown): void {
    open.delete(this as Open<unknown>);
    this.call.finish();
    this.reject(functionFailure(error));
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
  for (const entry of open) {
    if (entry.until > now) continue;
    const seconds = entry.limit / 1_000;
    entry.fail(new Refusal(`Function execution timed out (maximum duration: ${seconds}s)`));
  }
  if (open.size === 0 && watch !== null) {
    clearInterval(watch);
    watch = null;
  }
}
