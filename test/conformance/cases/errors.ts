import { expect } from "vitest";
import { ConvexError, type Value } from "convex/values";
import { api } from "../api";
import { refused, subject } from "../suite";

const data: Value[] = [
  "text",
  "",
  null,
  0,
  [1, 2n],
  { code: "x", nested: { list: [true, null] }, big: 2n ** 60n },
  { bytes: new Uint8Array([1, 2]).buffer, nan: NaN },
];

async function thrown(call: Promise<unknown>): Promise<ConvexError<Value>> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof ConvexError) return error as ConvexError<Value>;
  throw new Error(`no ConvexError but ${String(error)}`);
}

export const errors = subject("errors", [
  {
    name: "a ConvexError's data reaches the client, from queries, mutations and actions",
    async run(host) {
      for (const value of data) {
        const args = { data: value };
        expect((await thrown(host.query(api.errors.raiseInQuery, args))).data).toEqual(value);
        expect((await thrown(host.mutation(api.errors.raise, args))).data).toEqual(value);
        expect((await thrown(host.action(api.errors.raiseInAction, args))).data).toEqual(value);
      }
    },
  },
  {
    name: "a subclass of ConvexError is one",
    async run(host) {
      expect((await thrown(host.query(api.errors.raiseSubclass, {}))).data).toEqual({
        code: "subclass",
      });
    },
  },
  {
    name: "through two nested mutations",
    async run(host) {
      const value = { code: "deep", list: [1, null] };
      expect((await thrown(host.mutation(api.errors.relayed, { data: value }))).data).toEqual(
        value,
      );
    },
  },
  {
    name: "through two nested mutations, with an int64 and bytes",
    async run(host) {
      const value = { n: 1n, bytes: new Uint8Array([1]).buffer };
      expect((await thrown(host.mutation(api.errors.relayed, { data: value }))).data).toEqual(
        value,
      );
    },
    differs: { host: "convex-test", why: "it decodes the data twice" },
  },
  {
    name: "an action catches it from queries, mutations and actions, or lets it through",
    async run(host) {
      for (const value of data) {
        for (const from of ["query", "mutation", "action"] as const)
          expect(await host.action(api.errors.caught, { data: value, from })).toEqual({
            convex: true,
            data: value,
          });
        const error = await thrown(host.action(api.errors.letThrough, { data: value }));
        expect(error.data).toEqual(value);
      }
    },
  },
  {
    name: "a plain error has its message, and is no ConvexError",
    async run(host) {
      const call = host.query(api.errors.raisePlain, {});
      await refused(host, call, /Uncaught TypeError: a plain error/, /^a plain error$/);
      await expect(call).rejects.not.toBeInstanceOf(ConvexError);
    },
  },
  {
    name: "a thrown text is an error",
    async run(host) {
      await expect(host.query(api.errors.raiseText, {})).rejects.toBeDefined();
    },
  },
  {
    name: "an action catches a mutation's plain error, and the mutation wrote nothing",
    async run(host) {
      const { message, log } = await host.action(api.errors.caughtPlain, {});
      expect(message).toContain("thrown in a mutation");
      expect(log).toBe(0);
    },
  },
]);
