import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  ConflictError,
  conflictInjection,
  InjectedConflict,
  withConflicts,
} from "../../../scripts/local/runtime/conflicts";
import { eventually, startServer, type TestServer } from "../../helpers/server";
import { type Client, clientOf, FUNCTIONS, rejectionOf } from "./fixture";

describe("injected conflicts", () => {
  test("a conflict is retried, and the last of four is thrown in Convex's words", async () => {
    const always = conflictInjection(1);
    let runs = 0;
    const error = await rejectionOf(
      withConflicts(always, async () => {
        runs++;
        throw new InjectedConflict("notes");
      }),
    );
    expect(runs).toBe(4);
    expect(error).toBeInstanceOf(ConflictError);
    expect(error.message).toBe(
      'Documents read from or written to the "notes" table changed while this mutation was being run and on every subsequent retry. See https://docs.convex.dev/error#1',
    );
  });

  test("other errors are not retried", async () => {
    let runs = 0;
    const run = withConflicts(conflictInjection(0.5), async () => {
      runs++;
      throw new Error("other");
    });
    await expect(run).rejects.toThrow("other");
    expect(runs).toBe(1);
  });
});

describe("a server with --inject-conflicts", () => {
  let server: TestServer;
  let client: Client;
  beforeAll(async () => {
    const flags = ["--no-demo", "--inject-conflicts", "0.6"];
    server = await startServer({ functions: FUNCTIONS, flags });
    client = clientOf(server.cloudUrl);
  }, 60_000);
  afterAll(async () => server.remove());

  test("what is refused was not written, what is acknowledged was written once", async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 60 }, (_, i) =>
        client.mutation("notes:add", { author: "conflict", text: String(i) }),
      ),
    );
    const written = outcomes.flatMap((outcome, i) =>
      outcome.status === "fulfilled" ? [String(i)] : [],
    );
    expect(written.length).toBeGreaterThan(0);
    expect(written.length).toBeLessThan(60);
    const notes = (await client.query("notes:list", { author: "conflict" })) as { text: string }[];
    expect(notes.map((note) => note.text).sort()).toEqual(written.sort());
  });

  test("a scheduled mutation is tried until it succeeds, and then ran once", async () => {
    const schedule = async (): Promise<unknown> =>
      await client.mutation("notes:schedule", { source: "conflict", inMs: 0 }).catch(() => null);
    const ids = (await Promise.all(Array.from({ length: 20 }, schedule))).filter(
      (id) => id !== null,
    );
    await eventually(
      () => client.query("ticks:count", { source: "conflict" }),
      (count) => count === ids.length,
    );
  });
});
