/// <reference types="vite/client" />
/** The official mock, in this process; every case gets a new one. */
import { convexTest } from "convex-test";
import { makeFunctionReference } from "convex/server";
import { vi } from "vitest";
import schema from "../convex/schema";
import type { Call, Host } from "../hosts";

const modules = {
  ...import.meta.glob("../convex/**/*.ts"),
  // By this path the mock finds the root of the functions folder, which here has no such folder.
  "../convex/_generated/api.ts": () => Promise.resolve({}),
};

export function startConvexTest(): Host {
  const open = () => convexTest({ schema, modules, transactionLimits: true });
  let t = open();
  return {
    name: "convex-test",
    query: (fn, args) => (t.query as unknown as Call<"query">)(fn, args),
    mutation: (fn, args) => (t.mutation as unknown as Call<"mutation">)(fn, args),
    action: (fn, args) => (t.action as unknown as Call<"action">)(fn, args),
    anonymousQuery: (path, args) =>
      (t.query as unknown as Call<"query">)(makeFunctionReference<"query">(path), args),
    fetch: (path, init) =>
      t
        .withRequestMetadata({
          ip: "127.0.0.1",
          userAgent: new Headers(init?.headers).get("user-agent"),
        })
        .fetch(path, init),
    async finishScheduled() {
      vi.useFakeTimers();
      try {
        await t.finishAllScheduledFunctions(() => vi.advanceTimersByTime(0));
      } finally {
        vi.useRealTimers();
      }
    },
    reset() {
      t = open();
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
}
