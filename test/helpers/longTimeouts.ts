/**
 * Node fires a timeout of more than 24.8 days (2^31 - 1 ms) at once, with a warning. `convex-test`
 * gives scheduled functions to `setTimeout` as they are, so that the end of every session, 30 days
 * ahead, would run beside the test that has just begun it. With this it waits for its day, which no
 * test lives to see; the fake clocks of vitest are not changed.
 */
const LONGEST_MS = 2 ** 31 - 1;

export function installLongTimeouts(): void {
  const { setTimeout: nodes } = globalThis;
  const patient = (callback: () => void, ms = 0, ...args: []): NodeJS.Timeout => {
    if (ms <= LONGEST_MS) return nodes(callback, ms, ...args);
    return nodes(() => patient(callback, ms - LONGEST_MS, ...args), LONGEST_MS).unref();
  };
  globalThis.setTimeout = Object.defineProperties(
    patient,
    Object.getOwnPropertyDescriptors(nodes),
  ) as typeof setTimeout;
}
