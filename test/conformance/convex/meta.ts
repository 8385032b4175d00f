import { makeFunctionReference } from "convex/server";
import {
  action,
  internalAction,
  internalMutation,
  internalQuery,
  mutation,
  query,
} from "./builders";

export const ofQuery = query({
  args: {},
  handler: async (ctx) => await ctx.meta.getFunctionMetadata(),
});
export const ofMutation = mutation({
  args: {},
  handler: async (ctx) => await ctx.meta.getFunctionMetadata(),
});
export const ofAction = action({
  args: {},
  handler: async (ctx) => await ctx.meta.getFunctionMetadata(),
});
export const ofInternal = internalQuery({
  args: {},
  handler: async (ctx) => await ctx.meta.getFunctionMetadata(),
});
type Metadata = { name: string; componentPath: string; type: string; visibility: string };
const internalRef = makeFunctionReference<"query", Record<string, never>, Metadata>(
  "meta:ofInternal",
);
export const nested = mutation({
  args: {},
  handler: async (ctx): Promise<Metadata[]> => [
    await ctx.runQuery(internalRef, {}),
    await ctx.meta.getFunctionMetadata(),
  ],
});

export const request = internalMutation({
  args: {},
  handler: async (ctx) => await ctx.meta.getRequestMetadata(),
});
type RequestFacts = { ip: string | null; userAgent: string | null; requestId: string };
const requestRef = makeFunctionReference<"mutation", Record<string, never>, RequestFacts>(
  "meta:request",
);
export const requestInAction = internalAction({
  args: {},
  handler: async (ctx): Promise<RequestFacts[]> => [
    await ctx.meta.getRequestMetadata(),
    await ctx.runMutation(requestRef, {}),
  ],
});
export const deployment = query({
  args: {},
  handler: async (ctx) => await ctx.meta.getDeploymentMetadata(),
});
export const identity = query({
  args: {},
  handler: async (ctx) => await ctx.auth.getUserIdentity(),
});

/** Works for a while and reads the clock again: it stands still. */
export const clock = query({
  args: {},
  handler: () => {
    const start = Date.now();
    let sum = 0;
    for (let i = 0; i < 3e7; i++) sum += i % 7;
    return Promise.resolve({
      start,
      passed: Date.now() - start + new Date().getTime() - start,
      sum,
    });
  },
});
export const clockInMutation = mutation({
  args: {},
  handler: async (ctx) => {
    const start = Date.now();
    const id = await ctx.db.insert("rows", { label: "timed" });
    let sum = 0;
    for (let i = 0; i < 3e7; i++) sum += i % 7;
    const row = await ctx.db.get(id);
    return { start, passed: Date.now() - start, created: row?._creationTime ?? 0, sum };
  },
});
export const dates = query({
  args: {},
  handler: () =>
    Promise.resolve({
      epoch: new Date(0).toISOString(),
      parsed: Date.parse("2026-01-02T03:04:05Z"),
      utc: Date.UTC(2026, 0, 2),
      instance: new Date() instanceof Date,
    }),
});
export const random = query({
  args: {},
  handler: () => Promise.resolve([Math.random(), Math.random(), Math.random()]),
});
export const fetchInMutation = mutation({
  args: {},
  handler: async () => (await fetch("http://127.0.0.1:9/")).status,
});
export const timerInQuery = query({
  args: {},
  handler: async () => {
    await new Promise((resolve) => setTimeout(resolve, 1));
  },
});
export const environment = query({
  args: {},
  handler: () =>
    Promise.resolve({
      cloud: process.env.CONVEX_CLOUD_URL ?? null,
      site: process.env.CONVEX_SITE_URL ?? null,
    }),
});
export const webGlobals = query({
  args: {},
  handler: () =>
    Promise.resolve({
      url: new URL("/a?b=c", "https://example.com").searchParams.get("b"),
      text: new TextDecoder().decode(new TextEncoder().encode("żółć 😀")),
      base64: atob(btoa("abc")),
      clone: structuredClone({ a: [1] }),
      headers: new Headers({ A: "b" }).get("a"),
    }),
});
export const digest = query({
  args: {},
  handler: async () => {
    const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode("abc"));
    return hash.byteLength === 32 && new Uint8Array(hash)[0] === 0xba;
  },
});
export const systemTables = query({
  args: {},
  handler: async (ctx) => (await ctx.db.system.query("_storage").collect()).length,
});
export const systemTableByUserReader = query({
  args: {},
  handler: async (ctx) => (await ctx.db.query("_storage" as "rows").collect()).length,
});
export const systemTableWrite = mutation({
  args: {},
  handler: async (ctx) => {
    await ctx.db.insert("_storage" as "rows", { label: "x" });
  },
});
/** Not an export that a caller may run. */
export const secret = internalQuery({ args: {}, handler: () => Promise.resolve("secret") });
