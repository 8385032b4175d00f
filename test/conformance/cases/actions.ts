import { expect } from "vitest";
import { api } from "../api";
import { refused, subject } from "../suite";

export const actions = subject("actions and function handles", [
  {
    name: "each call is a transaction, and sees the ones before it",
    async run(host) {
      expect(await host.action(api.actions.steps, {})).toEqual([[], ["one"], ["one", "two"]]);
    },
  },
  {
    name: "an action that throws undoes nothing",
    async run(host) {
      await refused(host, host.action(api.actions.addThenThrow, {}), /too late to undo/);
      expect(await host.query(api.rows.read, {})).toEqual(["stays"]);
    },
  },
  {
    name: "mutations started together",
    async run(host) {
      expect(await host.action(api.actions.parallel, { count: 12 })).toBe(12);
    },
  },
  {
    name: "an action runs an action, with values of every kind",
    async run(host) {
      const value = { a: [1n, -0, NaN, null], b: new Uint8Array([3]).buffer };
      expect(await host.action(api.actions.through, { value })).toEqual(value);
    },
  },
  {
    name: "there is no database in an action",
    async run(host) {
      const keys = await host.action(api.actions.contextKeys, {});
      expect(keys).toEqual(
        expect.arrayContaining([
          "auth",
          "runAction",
          "runMutation",
          "runQuery",
          "scheduler",
          "storage",
        ]),
      );
      expect(keys).not.toContain("db");
    },
  },
  {
    name: "wrong arguments of what an action runs are refused",
    async run(host) {
      expect(await host.action(api.actions.badArgs, {})).toMatch(/Validat(ion|or) ?[Ee]rror/);
      expect(await host.query(api.rows.all, {})).toEqual([]);
    },
  },
  {
    name: "a function that does not exist cannot be run",
    async run(host) {
      expect(await host.action(api.actions.missing, {})).toMatch(/Could not find|no such export/);
    },
  },
  {
    name: "an action can wait, and its clock runs",
    async run(host) {
      expect(await host.action(api.actions.wait, { ms: 10 })).toBeGreaterThanOrEqual(9);
    },
  },
  {
    name: "a function handle runs its function, from mutations, actions and the scheduler",
    async run(host) {
      const handle = await host.mutation(api.actions.handle, {});
      expect(handle).toMatch(/^function:\/\//);
      expect(await host.mutation(api.actions.handle, {})).toBe(handle);
      await host.mutation(api.actions.runHandle, { handle, label: "a" });
      await host.action(api.actions.runHandleInAction, { handle, label: "b" });
      await host.mutation(api.actions.scheduleHandle, { handle, label: "c" });
      await host.finishScheduled();
      expect(await host.query(api.rows.read, {})).toEqual(["a", "b", "c"]);
    },
  },
]);
