/** How clients are brought from one moment to the next when others are slow, or greedy, or behind. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Deployment, startDeployment } from "../../../scripts/local/deployment";
import { redirectLog } from "../../../scripts/local/runtime/log";
import type { ServerMessage } from "./raw";
import { eventually } from "../../helpers/server";
import { FUNCTIONS } from "./client";
import { RawClient } from "./raw";

let data: string;
let deployment: Deployment;
let restoreLog: () => void;

beforeAll(async () => {
  restoreLog = redirectLog(() => undefined);
  data = await mkdtemp(path.join(tmpdir(), "freehold-rounds-"));
  deployment = await startDeployment({
    data,
    functions: FUNCTIONS,
    sitePort: 0,
    cloudPort: 0,
    demo: false,
  });
});
afterAll(async () => {
  await deployment.stop();
  restoreLog();
  await rm(data, { recursive: true, force: true });
});

function timeOf(encoded: unknown): bigint {
  return Buffer.from(String(encoded), "base64").readBigUInt64LE();
}

function reaches(message: ServerMessage, ts: bigint): boolean {
  const end = message["endVersion"] as { ts: unknown } | undefined;
  return message.type === "Transition" && timeOf(end?.ts) >= ts;
}

test("a client hears of its commit also when the moment that it waits for is older", async () => {
  const client = await RawClient.open(deployment.cloudUrl);
  const { database } = deployment.host;
  const older = database.snapshot();
  const spy = vi.spyOn(database, "snapshot").mockReturnValueOnce(older);
  // None of its queries shows the commit, so nothing else brings the client there.
  client.mutate(0, "items:add", { list: "unseen", n: 0, text: "x" });
  const { ts } = await client.answerTo(0);
  await client.next((message) => reaches(message, timeOf(ts)));
  expect(spy.mock.results[0]?.value).toBe(older);
  expect(older.ts).toBeLessThan(timeOf(ts));
  spy.mockRestore();
  await client.close();
});

/** The texts that a transition brings, by query. */
function textsIn({ modifications }: ServerMessage): Record<number, unknown> {
  const updates = modifications as { queryId: number; value: unknown }[];
  return Object.fromEntries(updates.map(({ queryId, value }) => [queryId, value]));
}

test("a client waits for its own queries alone, and all that it hears is of one moment", async () => {
  const heldLists = new Set(["slow"]);
  Object.assign(globalThis, { heldLists });
  const quick = await RawClient.open(deployment.cloudUrl);
  quick.mutate(0, "items:add", { list: "slow", n: 0, text: "first" });
  await quick.answerTo(0);
  const slow = await RawClient.open(deployment.cloudUrl);
  slow.subscribe("items:held", { list: "slow" }, 0);
  slow.subscribe("items:list", { list: "slow" }, 1);
  await eventually(
    () => deployment.live.subscriptions.size,
    (size) => size === 2,
  );
  quick.subscribe("items:list", { list: "slow" }, 0);
  await quick.next((message) => message.type === "Transition" && 0 in textsIn(message));

  quick.mutate(1, "items:add", { list: "slow", n: 1, text: "second" });
  const { ts } = await quick.answerTo(1);
  const seen = await quick.next((message) => reaches(message, timeOf(ts)));
  expect(textsIn(seen)).toEqual({ 0: ["first", "second"] });
  const heard = (): ServerMessage[] => slow.received.filter(({ type }) => type === "Transition");
  expect(heard()).toEqual([]);

  heldLists.clear();
  const last = await slow.next((message) => reaches(message, timeOf(ts)));
  const both = ["first", "second"];
  expect(textsIn(last)).toEqual({ 0: both, 1: both });
  for (const transition of heard().slice(0, -1)) {
    for (const texts of Object.values(textsIn(transition))) expect(texts).toEqual(["first"]);
  }
  expect(heard().length).toBeGreaterThan(1);
  await Promise.all([quick.close(), slow.close()]);
});

test("a client whose results are too much for one message is let go alone", async () => {
  const other = await RawClient.open(deployment.cloudUrl);
  const greedy = await RawClient.open(deployment.cloudUrl);
  // Together more characters than a string can have: 2 to the power of 29.
  const modifications = Array.from({ length: 70 }, (_, queryId) => ({
    type: "Add",
    queryId,
    udfPath: "other:long",
    args: [{ characters: 8_000_000 }],
  }));
  greedy.send({ type: "ModifyQuerySet", baseVersion: 0, newVersion: 1, modifications });
  expect((await greedy.closed).code).toBe(1011);
  other.subscribe("other:greeting", {});
  await other.next(({ type }) => type === "Transition");
  expect(other.isClosed).toBe(false);
  await other.close();
}, 30_000);
