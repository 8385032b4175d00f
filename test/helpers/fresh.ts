/**
 * Runs before each test file. Files share a worker with the modules that it has loaded, so what the
 * file before has left of clocks, variables and spies ends here.
 */
import { afterAll, vi } from "vitest";
import { endTimeouts, installTimeouts } from "./timeouts";

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
