/**
 * `convex-test` gives scheduled functions to `setTimeout` as they are. Node fires a timeout of more
 * than 24.8 days (2^31 - 1 ms) at once, with a warning, so that the end of every session, 30 days
 * ahead, would run beside the test that has just begun it; and one of some seconds would run in the
 * middle of another file. With this the first waits for its day, and what a file leaves behind is
 * ended with it. The fake clocks of vitest are not changed.
 */
const LONGEST_MS = 2 ** 31 - 1;
const pending = new Set<NodeJS.Timeout>();

export function installTimeouts(): void {
  const { setTimeout: nodes } = globalThis;
  const ours = (callback: (...args: unknown[]) => void, ms = 0, ...args: unknown[]): unknown => {
    const timeout = nodes(
      () => {
        pending.delete(timeout);
        if (ms > LONGEST_MS) ours(callback, ms - LONGEST_MS, ...args);
        else callback(...args);
      },
      Math.min(ms, LONGEST_MS),
    );
    pending.add(timeout);
    return timeout;
  };
  const properties = Object.getOwnPropertyDescriptors(nodes);
  globalThis.setTimeout = Object.defineProperties(ours, properties) as typeof setTimeout;
}

export function endTimeouts(): void {
  for (const timeout of pending) clearTimeout(timeout);
  pending.clear();
}
