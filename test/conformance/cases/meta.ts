import { expect } from "vitest";
import { api } from "../api";
import { refused, subject } from "../suite";

const none = "it runs on the machine's own clock and environment";

export const meta = subject("metadata and environment", [
  {
    name: "a function knows its name, type and visibility",
    async run(host) {
      const common = { componentPath: "", visibility: "public" };
      expect(await host.query(api.meta.ofQuery, {})).toEqual({
        ...common,
        name: "meta:ofQuery",
        type: "query",
      });
      expect(await host.mutation(api.meta.ofMutation, {})).toEqual({
        ...common,
        name: "meta:ofMutation",
        type: "mutation",
      });
      expect(await host.action(api.meta.ofAction, {})).toEqual({
        ...common,
        name: "meta:ofAction",
        type: "action",
      });
    },
  },
  {
    name: "an internal function is internal",
    async run(host) {
      expect(await host.query(api.meta.ofInternal, {})).toMatchObject({
        name: "meta:ofInternal",
        visibility: "internal",
      });
    },
    differs: { host: "convex-test", why: "it runs every function as a public one" },
  },
  {
    name: "a nested function has its own name, and the outer one keeps its own",
    async run(host) {
      const [inner, outer] = await host.mutation(api.meta.nested, {});
      expect([inner?.name, outer?.name]).toEqual(["meta:ofInternal", "meta:nested"]);
    },
  },
  {
    name: "one request id through an action and its mutation",
    async run(host) {
      const [action, mutation] = await host.action(api.meta.requestInAction, {});
      expect(action?.requestId).toMatch(/./);
      expect(mutation).toEqual(action);
      const [other] = await host.action(api.meta.requestInAction, {});
      expect(other?.requestId).not.toBe(action?.requestId);
    },
  },
  {
    name: "the deployment has a name and a class, and no region where it is local",
    async run(host) {
      expect(await host.query(api.meta.deployment, {})).toEqual({
        name: expect.stringMatching(/./) as string,
        region: null,
        class: expect.stringMatching(/^(s16|s256|d1024|d2048)$/) as string,
      });
    },
  },
  {
    name: "nobody is signed in",
    async run(host) {
      expect(await host.anonymousQuery("meta:identity", {})).toBeNull();
    },
  },
  {
    name: "the clock stands still in a query and in a mutation",
    async run(host) {
      const { start, passed } = await host.query(api.meta.clock, {});
      expect(passed).toBe(0);
      expect(Math.abs(start - Date.now())).toBeLessThan(5000);
      expect((await host.mutation(api.meta.clockInMutation, {})).passed).toBe(0);
    },
    differs: { host: "convex-test", why: none },
  },
  {
    name: "dates work as ever",
    async run(host) {
      expect(await host.query(api.meta.dates, {})).toEqual({
        epoch: "1970-01-01T00:00:00.000Z",
        parsed: 1767323045000,
        utc: 1767312000000,
        instance: true,
      });
    },
  },
  {
    name: "Math.random gives different numbers, within a call",
    async run(host) {
      const numbers = await host.query(api.meta.random, {});
      expect(new Set(numbers).size).toBe(numbers.length);
      expect(numbers.every((n) => n >= 0 && n < 1)).toBe(true);
    },
  },
  {
    name: "no fetch and no timers in queries and mutations",
    async run(host) {
      await refused(
        host,
        host.mutation(api.meta.fetchInMutation, {}),
        /Can't use fetch\(\) in queries and mutations/,
        /fetch/,
      );
      await refused(
        host,
        host.query(api.meta.timerInQuery, {}),
        /Can't use setTimeout in queries and mutations/,
        /setTimeout/,
      );
    },
  },
  {
    name: "the deployment's own addresses are in the environment",
    async run(host) {
      const { cloud, site } = await host.query(api.meta.environment, {});
      expect(cloud).toMatch(/^https?:\/\//);
      expect(site).toMatch(/^https?:\/\//);
      expect(site).not.toBe(cloud);
    },
    differs: { host: "convex-test", why: none },
  },
  {
    name: "URL, text encoding, base64, structuredClone, Headers and digests in a query",
    async run(host) {
      expect(await host.query(api.meta.webGlobals, {})).toEqual({
        url: "c",
        text: "żółć 😀",
        base64: "abc",
        clone: { a: [1] },
        headers: "b",
      });
      expect(await host.query(api.meta.digest, {})).toBe(true);
    },
  },
  {
    name: "system tables are read by ctx.db.system alone, and written by nobody",
    async run(host) {
      expect(await host.query(api.meta.systemTables, {})).toBe(0);
      await refused(
        host,
        host.query(api.meta.systemTableByUserReader, {}),
        /System tables can only be accessed from db\.system/,
      );
      await refused(
        host,
        host.mutation(api.meta.systemTableWrite, {}),
        /System tables .* are read-only/,
      );
    },
  },
]);
