/**
 * Files that share a worker must leave its globals as they were: a deployment puts its own there for as
 * long as the process lives. A file that holds one belongs to the hosts of `vitest.config.ts`.
 */
import { afterAll } from "vitest";

afterAll(() => {
  if (Symbol.for("freehold.functionGlobals") in globalThis) {
    throw new Error(
      "A deployment in the tests' own process: name this file in HOSTS, vitest.config.ts",
    );
  }
});
