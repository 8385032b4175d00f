/** `/metrics` on the cloud port, as Prometheus reads it. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually, startServer, type TestServer } from "../../helpers/server";
import { LiveClient } from "../live/client";
import { adminKeyOf, type Client, clientOf, FUNCTIONS, rejectionOf } from "./fixture";

let server: TestServer;
let client: Client;

beforeAll(async () => {
  const flags = ["--no-demo", "--inject-conflicts", "0.3"];
  server = await startServer({ functions: FUNCTIONS, flags });
  client = clientOf(server.cloudUrl);
}, 60_000);
afterAll(async () => server.remove());

async function scrape(authorization?: string): Promise<Response> {
  const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
  return await fetch(`${server.cloudUrl}/metrics`, { headers });
}

/** The samples by their names and labels. */
async function samples(): Promise<Map<string, number>> {
  const response = await scrape(`Convex ${adminKeyOf(server.data)}`);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  const lines = (await response.text()).split("\n").filter((line) => !/^(#|$)/.test(line));
  return new Map(
    lines.map((line) => {
      const [, name = "", value = ""] = /^(\w+(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
      expect(name, line).not.toBe("");
      return [name, Number(value)];
    }),
  );
}

test.each([undefined, "Convex wrong|key", "Bearer x"])(
  "is for who holds the admin key, not for %s",
  async (authorization) => {
    const response = await scrape(authorization);
    expect(response.status).toBe(403);
    expect(await response.text()).not.toContain("freehold_");
  },
);

test("counts calls, commits and conflicts, and shows jobs, live clients, store and process", async () => {
  const live = new LiveClient(server.cloudUrl);
  const heard = live.subscribe<unknown[]>("notes:list", { author: "ann" });
  await heard.until(() => true);
  const before = await samples();
  let failures = 0;
  for (let turn = 0; turn < 20; turn++) {
    // One in a hundred meets a conflict on every attempt.
    await client.mutation("notes:add", { author: "bob", text: "x" }).catch(() => failures++);
  }
  await rejectionOf(client.query("notes:get", { id: "none" }));
  await client.query("notes:list", { author: "bob" });
  await client.action("ticks:scheduleByName", { name: "ticks:hang", source: "m", inMs: 0 });
  await eventually(samples, (now) => now.get('freehold_jobs_running{kind="action"}') === 1);
  await client
    .mutation("notes:schedule", { source: "later", inMs: 3_600_000 })
    .catch(() => failures++);

  const after = await samples();
  const grew = (name: string): number => (after.get(name) ?? 0) - (before.get(name) ?? 0);
  const calls = (kind: string): string =>
    `freehold_call_duration_seconds_count{kind="${kind}",outcome="success"}`;
  expect(grew("freehold_commits_total")).toBeGreaterThanOrEqual(20 - failures);
  expect(grew("freehold_documents_written_total")).toBeGreaterThanOrEqual(20 - failures);
  expect(grew("freehold_conflicts_total")).toBeGreaterThan(0);
  expect(grew(calls("mutation"))).toBeGreaterThanOrEqual(20);
  expect(grew(calls("query"))).toBeGreaterThanOrEqual(1);
  expect(grew(calls("action"))).toBeGreaterThanOrEqual(1);
  expect(after.get("freehold_jobs_due")).toBe(0);
  expect(after.get("freehold_jobs_lag_seconds")).toBe(0);
  expect(after.get("freehold_live_connections")).toBe(1);
  expect(after.get("freehold_live_subscriptions")).toBe(1);
  expect(after.get("freehold_store_bytes")).toBeGreaterThan(10_000);
  expect(after.get("freehold_disk_free_bytes")).toBeGreaterThan(0);
  expect(after.get("freehold_node_processes")).toBeGreaterThanOrEqual(0);
  expect(after.get("process_resident_memory_bytes")).toBeGreaterThan(1e7);
  expect(after.get("process_cpu_seconds_total")).toBeGreaterThan(0);
  await live.close();
});
