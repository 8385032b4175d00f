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
  const calls = (
    caller: () => Pick<typeof t, "query" | "mutation" | "action">,
  ): Pick<Host, "query" | "mutation" | "action"> => ({
    query: (fn, args) => (caller().query as unknown as Call<"query">)(fn, args),
    mutation: (fn, args) => (caller().mutation as unknown as Call<"mutation">)(fn, args),
    action: (fn, args) => (caller().action as unknown as Call<"action">)(fn, args),
  });
  return {
    name: "convex-test",
    ...calls(() => t),
    as: (identity) => calls(() => t.withIdentity(identity)),
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
