import { expect } from "vitest";
import type { FunctionArgs } from "convex/server";
import { api } from "../api";
import type { Host } from "../hosts";
import { refused, subject } from "../suite";

const HOUR = 3_600_000;
const log = (host: Host) => host.query(api.schedule.log, {});
type JobId = FunctionArgs<typeof api.schedule.job>["id"];
const job = (host: Host, id: string) => host.query(api.schedule.job, { id: id as JobId });
const state = async (host: Host, id: string) => (await job(host, id))?.state.kind;

export const schedule = subject("scheduler", [
  {
    name: "a mutation, from a mutation, at once",
    async run(host) {
      const id = await host.mutation(api.schedule.after, {
        target: "record",
        args: { text: "done" },
      });
      await host.finishScheduled();
      expect(await log(host)).toEqual(["done"]);
      expect(await state(host, id)).toBe("success");
    },
  },
  {
    name: "an action, whose mutation runs too",
    async run(host) {
      const id = await host.mutation(api.schedule.after, { target: "act", args: { text: "x" } });
      await host.finishScheduled();
      expect(await log(host)).toEqual(["by action: x"]);
      expect(await state(host, id)).toBe("success");
    },
  },
  {
    name: "from an action, even one that then throws",
    async run(host) {
      await host.action(api.schedule.afterInAction, { target: "record", args: { text: "a" } });
      await host.finishScheduled();
      await refused(
        host,
        host.action(api.schedule.afterInAction, {
          target: "record",
          args: { text: "b" },
          thenThrow: true,
        }),
        /after scheduling/,
      );
      await host.finishScheduled();
      expect(await log(host)).toEqual(["a", "b"]);
    },
  },
  {
    name: "runAt a time and a date, past ones at once",
    async run(host) {
      await host.mutation(api.schedule.at, {
        target: "record",
        args: { text: "time" },
        ms: -5000,
      });
      await host.finishScheduled();
      await host.mutation(api.schedule.at, {
        target: "record",
        args: { text: "date" },
        date: true,
      });
      await host.finishScheduled();
      expect(await log(host)).toEqual(["time", "date"]);
    },
  },
  {
    name: "a job's document: name, arguments, time, state",
    async run(host) {
      const { id, time } = await host.mutation(api.schedule.at, {
        target: "record",
        args: { text: "later" },
        ms: HOUR,
      });
      expect(await job(host, id)).toEqual({
        _id: id,
        _creationTime: expect.any(Number) as number,
        name: expect.stringMatching(/^schedule(\.js)?:record$/) as string,
        args: [{ text: "later" }],
        scheduledTime: time,
        state: { kind: "pending" },
      });
      await host.mutation(api.schedule.cancel, { id });
    },
  },
  {
    name: "the name has the module's file name",
    async run(host) {
      const id = await host.mutation(api.schedule.after, {
        target: "record",
        args: { text: "x" },
      });
      await host.finishScheduled();
      expect((await job(host, id))?.name).toBe("schedule.js:record");
    },
    differs: { host: "convex-test", why: "it leaves .js out" },
  },
  {
    name: "a completed job has its time of completion",
    async run(host) {
      const before = Date.now();
      const id = await host.mutation(api.schedule.after, {
        target: "record",
        args: { text: "x" },
      });
      await host.finishScheduled();
      const done = await job(host, id);
      expect(done?.state).toEqual({ kind: "success" });
      expect(done?.completedTime).toBeGreaterThanOrEqual(before - 1);
    },
    differs: { host: "convex-test", why: "it leaves completedTime out" },
  },
  {
    name: "a mutation that throws has failed, and wrote nothing",
    async run(host) {
      const id = await host.mutation(api.schedule.after, { target: "fail" });
      await host.finishScheduled();
      expect(await state(host, id)).toBe("failed");
      expect((await job(host, id))?.completedTime).toEqual(expect.any(Number));
      expect(await log(host)).toEqual([]);
    },
  },
  {
    name: "an action that throws has failed, and is not run again",
    async run(host) {
      const id = await host.mutation(api.schedule.after, { target: "failAction" });
      await host.finishScheduled();
      expect(await state(host, id)).toBe("failed");
      expect(await log(host)).toEqual(["stays"]);
    },
  },
  {
    name: "a failed job says why",
    async run(host) {
      const id = await host.mutation(api.schedule.after, { target: "fail" });
      await host.finishScheduled();
      expect((await job(host, id))?.state).toMatchObject({
        kind: "failed",
        error: expect.stringContaining("the job failed") as string,
      });
    },
    differs: { host: "convex-test", why: "it keeps no error" },
  },
  {
    name: "wrong arguments fail the job, not the scheduling",
    async run(host) {
      const id = await host.mutation(api.schedule.after, { target: "record", args: { text: 1 } });
      await host.finishScheduled();
      expect(await state(host, id)).toBe("failed");
    },
  },
  {
    name: "a function that does not exist cannot be scheduled",
    async run(host) {
      for (const target of ["absent", "elsewhere"])
        await refused(
          host,
          host.mutation(api.schedule.after, { target }),
          /Attempted to schedule function/,
        );
    },
    differs: { host: "convex-test", why: "it lets the job fail" },
  },
  {
    name: "a mutation that throws has scheduled nothing",
    async run(host) {
      await refused(host, host.mutation(api.schedule.thenThrow, {}), /after scheduling/);
      await host.finishScheduled();
      expect(await log(host)).toEqual([]);
    },
  },
  {
    name: "nor has a nested one whose error was caught",
    async run(host) {
      await host.mutation(api.schedule.nestedThrow, {});
      await host.finishScheduled();
      expect(await log(host)).toEqual(["outer"]);
    },
  },
  {
    name: "the job starts after the commit: it sees all of the transaction's writes",
    async run(host) {
      await host.mutation(api.schedule.betweenWrites, {});
      await host.finishScheduled();
      expect(await log(host)).toEqual(["first", "second", "first+second"]);
    },
  },
  {
    name: "several in one mutation all run",
    async run(host) {
      const texts = Array.from({ length: 10 }, (_, i) => String(i));
      await host.mutation(api.schedule.several, { texts });
      await host.finishScheduled();
      expect((await log(host)).sort()).toEqual(texts);
    },
  },
  {
    name: "a job schedules the next",
    async run(host) {
      await host.mutation(api.schedule.after, { target: "chain", args: { left: 3 } });
      await host.finishScheduled();
      expect(await log(host)).toEqual(["left 3", "left 2", "left 1", "left 0"]);
    },
  },
  {
    name: "cancel, from a mutation and from an action",
    async run(host) {
      for (const call of [api.schedule.cancel, api.schedule.cancelInAction]) {
        const id = await host.mutation(api.schedule.after, {
          target: "record",
          args: { text: "x" },
          ms: HOUR,
        });
        expect(await state(host, id)).toBe("pending");
        if (call === api.schedule.cancel) await host.mutation(api.schedule.cancel, { id });
        else await host.action(api.schedule.cancelInAction, { id });
        expect(await state(host, id)).toBe("canceled");
      }
      await host.finishScheduled();
      expect(await log(host)).toEqual([]);
    },
  },
  {
    name: "scheduled and canceled in one mutation",
    async run(host) {
      const id = await host.mutation(api.schedule.scheduleAndCancel, {});
      await host.finishScheduled();
      expect(await log(host)).toEqual([]);
      expect(await state(host, id)).toBe("canceled");
    },
  },
  {
    name: "a job that is done cannot be canceled any more",
    async run(host) {
      const id = await host.mutation(api.schedule.after, {
        target: "record",
        args: { text: "x" },
      });
      await host.finishScheduled();
      await host.mutation(api.schedule.cancel, { id });
      expect(await state(host, id)).toBe("success");
    },
    differs: { host: "convex-test", why: "it marks it as canceled" },
  },
  {
    name: "a mutation sees the job it has just scheduled, in ctx.db.system",
    async run(host) {
      expect(await host.mutation(api.schedule.seeOwnJob, {})).toEqual({
        state: { kind: "pending" },
        same: true,
      });
    },
  },
  {
    name: "ctx.db.system lists the jobs in the order of their creation",
    async run(host) {
      const before = (await host.query(api.schedule.jobs, {})).length;
      const ids = [];
      for (const text of ["a", "b"])
        ids.push(await host.mutation(api.schedule.after, { target: "record", args: { text } }));
      await host.finishScheduled();
      const jobs = await host.query(api.schedule.jobs, {});
      expect(jobs.slice(before).map(({ _id }) => _id)).toEqual(ids);
    },
  },
  {
    name: "times that are none are refused",
    async run(host) {
      for (const ms of [-1, NaN, Infinity])
        await refused(host, host.mutation(api.schedule.after, { target: "record", ms }), /delayMs/);
    },
  },
  {
    name: "more than five years ahead is refused",
    async run(host) {
      const ms = 6 * 366 * 24 * HOUR;
      await refused(
        host,
        host.mutation(api.schedule.after, { target: "record", args: { text: "x" }, ms }),
        /more than 5 years in the future/,
      );
    },
    differs: { host: "convex-test", why: "it takes any time" },
  },
  {
    name: "a job knows its own id, also in the mutation of a scheduled action; there is no address",
    async run(host) {
      const id = await host.mutation(api.schedule.after, { target: "whoAmI" });
      await host.finishScheduled();
      const [text] = await log(host);
      expect(JSON.parse(text ?? "null")).toEqual([id, null, null]);
    },
  },
]);
