import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, startServer, type TestServer } from "../../helpers/server";
import { type Client, clientOf, FUNCTIONS, rejectionOf } from "./fixture";

type Job = {
  _id: string;
  name: string;
  scheduledTime: number;
  state: { kind: string; error?: string };
};

let server: TestServer;
let client: Client;
let data: string;

async function start(): Promise<void> {
  server = await startServer({ functions: FUNCTIONS, flags: ["--no-demo"], data });
  client = clientOf(server.cloudUrl);
}

beforeAll(async () => {
  data = await mkdtemp(path.join(tmpdir(), "freehold-scheduler-"));
  await start();
}, 60_000);
afterAll(async () => {
  await server.kill();
  await rm(data, { recursive: true, force: true });
});

const jobOf = async (id: unknown): Promise<Job> =>
  (await client.query("notes:job", { id: id as string })) as Job;
const countOf = (source: string): Promise<unknown> => client.query("ticks:count", { source });
const reaches = (id: unknown, kind: string): Promise<Job> =>
  eventually(
    () => jobOf(id),
    (job) => job.state.kind === kind,
  );

describe("scheduled functions", () => {
  test("a mutation runs once when it is due and its job can be read", async () => {
    const id = await client.mutation("notes:schedule", { source: "once", inMs: 0 });
    const job = await reaches(id, "success");
    expect(job).toMatchObject({ name: "ticks.js:tick", args: [{ source: "once" }] });
    expect(job).toHaveProperty("completedTime");
    expect(await countOf("once")).toBe(1);
  });

  test("many due at once all run, each once", async () => {
    const ids = await Promise.all(
      Array.from({ length: 60 }, () =>
        client.mutation("notes:schedule", { source: "many", inMs: 0 }),
      ),
    );
    await Promise.all(ids.map((id) => reaches(id, "success")));
    expect(await countOf("many")).toBe(60);
  });

  test("what a failed mutation scheduled does not exist", async () => {
    const before = (await client.query("notes:jobs")) as Job[];
    await rejectionOf(client.mutation("notes:scheduleAndFail", { source: "undone" }));
    expect(await client.query("notes:jobs")).toHaveLength(before.length);
  });

  test("a canceled job does not run", async () => {
    const id = await client.mutation("notes:schedule", { source: "canceled", inMs: 3_600_000 });
    expect((await jobOf(id)).state).toEqual({ kind: "pending" });
    await client.mutation("notes:cancel", { id: id as string });
    expect((await jobOf(id)).state).toEqual({ kind: "canceled" });
  });

  test("a failing mutation writes nothing and its job says why", async () => {
    const args = { name: "ticks:failing", source: "failing", inMs: 0 };
    const id = await client.action("ticks:scheduleByName", args);
    const job = await reaches(id, "failed");
    expect(job.state.error).toContain("the job fails");
    expect(await countOf("failing")).toBe(0);
  });

  test("scheduling what does not exist is refused", async () => {
    const args = { name: "ticks:nothing", source: "x", inMs: 0 };
    await rejectionOf(client.action("ticks:scheduleByName", args));
    await eventually(
      () => server.stdout(),
      (printed) => printed.includes("no exported function nothing found in the file: ticks.js"),
    );
  });

  test("more actions than run at a time hold up no mutation, and end when they can", async () => {
    const hang = { name: "ticks:hang", source: "crowd", inMs: 0 };
    const hanging = await Promise.all(
      Array.from({ length: 40 }, () => client.action("ticks:scheduleByName", hang)),
    );
    await eventually(
      () => countOf("crowd"),
      (count) => count === 32,
    );
    const id = await client.mutation("notes:schedule", { source: "beside", inMs: 0 });
    await reaches(id, "success");
    const states = await Promise.all(hanging.map(jobOf));
    expect(states.filter(({ state }) => state.kind === "inProgress")).toHaveLength(32);
    for (const id of hanging) await client.mutation("notes:cancel", { id: id as string });
    const canceled = await Promise.all(hanging.map(jobOf));
    expect(new Set(canceled.map(({ state }) => state.kind))).toEqual(new Set(["canceled"]));
    await server.kill();
    await start();
    expect((await jobOf(hanging[0])).state.kind).toBe("canceled");
  }, 60_000);

  test("a job that is due in years waits, beyond what a timer can hold", async () => {
    const id = await client.mutation("notes:schedule", { source: "years", inMs: 2 ** 36 });
    await client.mutation("notes:schedule", { source: "after years", inMs: 0 });
    await eventually(
      () => countOf("after years"),
      (count) => count === 1,
    );
    expect((await jobOf(id)).state.kind).toBe("pending");
  });
});

describe("across restarts", () => {
  test("jobs that came due while the server was down run at the next start", async () => {
    const id = await client.mutation("notes:schedule", { source: "restart", inMs: 600 });
    const { scheduledTime } = await jobOf(id);
    expect(await server.stop()).toEqual({ code: 0, signal: null });
    await eventually(
      () => Date.now(),
      (now) => now > scheduledTime,
    );
    await start();
    await reaches(id, "success");
    expect(await countOf("restart")).toBe(1);
  }, 60_000);

  test("after kill -9 acknowledged jobs run exactly once, an action under way has failed", async () => {
    const hanging = await client.action("ticks:scheduleByName", {
      name: "ticks:hang",
      source: "hang",
      inMs: 0,
    });
    await eventually(
      () => countOf("hang"),
      (count) => count === 1,
    );
    const later = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        client.mutation("notes:schedule", { source: "killed", inMs: 10 * i }),
      ),
    );
    await server.kill();
    await start();
    await Promise.all(later.map((id) => reaches(id, "success")));
    expect(await countOf("killed")).toBe(20);
    expect((await jobOf(hanging)).state).toEqual({
      kind: "failed",
      error: "Transient error while executing action",
    });
    expect(await countOf("hang")).toBe(1);
  }, 60_000);
});
