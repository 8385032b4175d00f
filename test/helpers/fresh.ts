/**
 * Runs before each test file. Files share a worker with the modules that it has loaded, so what the
 * file before has left of clocks, variables and spies ends here.
 */
import { afterAll, vi } from "vitest";
import { endTimeouts, installTimeouts } from "./timeouts";

// `convex-test` puts a getter in place of each global that a function might assign, and Node asks for
// the function that is running at every `Math.min` of a comparison. Nobody assigns `Math`.
Object.defineProperty(globalThis, "Math", { configurable: false });

vi.useRealTimers();
vi.unstubAllEnvs();
vi.unstubAllGlobals();
vi.restoreAllMocks();

const { setTimeout: before } = globalThis;
installTimeouts();
afterAll(() => {
  endTimeouts();
  globalThis.setTimeout = before;
});
