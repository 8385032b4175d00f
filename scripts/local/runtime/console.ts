/** The `console` that functions see: every method ends in a log line. */
import type { Level } from "./log";

export function consoleThat(write: (level: Level, args: unknown[]) => void): Console {
  const at =
    (level: Level) =>
    (...args: unknown[]): void => {
      write(level, args);
    };
  const timers = new Map<string, number>();
  return {
    ...console,
    debug: at("debug"),
    log: at("info"),
    info: at("info"),
    dir: at("info"),
    table: at("info"),
    warn: at("warn"),
    error: at("error"),
    trace: at("error"),
    assert: (condition: unknown, ...args: unknown[]): void => {
      if (!condition) write("error", ["Assertion failed", ...args]);
    },
    time: (label = "default"): void => {
      timers.set(label, performance.now());
    },
    timeEnd: (label = "default"): void => {
      const elapsed = performance.now() - (timers.get(label) ?? performance.now());
      timers.delete(label);
      write("info", [`${label}: ${elapsed.toFixed(1)}ms`]);
    },
  };
}
