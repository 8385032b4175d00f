/**
 * Random subscriptions and concurrent mutations: what each client sees in one transition is what
 * the database was at one commit, commits come in order, and in the end everyone has the present.
 */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../../helpers/server";
import { clientOf } from "../runtime/fixture";
import { FUNCTIONS, type Heard, LiveClient } from "./client";

const CLIENTS = 3;
const LISTS = ["a", "b", "c", "d"] as const;

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ functions: FUNCTIONS, flags: ["--no-demo"] });
});
afterAll(() => server.remove());

type Step =
  | { do: "subscribe"; client: number; list: string }
  | { do: "unsubscribe"; client: number; list: string }
  | { do: "append"; client: number; lists: string[] }
  | { do: "wait"; ms: number };

const client = fc.nat(CLIENTS - 1);
const list = fc.constantFrom(...LISTS);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant("subscribe" as const), client, list }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("unsubscribe" as const), client, list }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("append" as const),
      client,
      lists: fc.uniqueArray(list, { minLength: 1, maxLength: LISTS.length }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.nat(8) }) },
);

/** The lists as one client saw them together; those that it had no result of are missing. */
type Sight = Map<string, string[]>;
type Commit = { ts: bigint; lengths: Record<string, number>; text: string };

class Watcher {
  readonly live = new LiveClient(server.cloudUrl);
  readonly sights: Sight[] = [];
  readonly heard = new Map<string, Heard<string[]>>();

  constructor() {
    this.live.convex.client.addOnTransitionHandler(() => {
      const seen: Sight = new Map();
      for (const list of this.heard.keys()) {
        const texts: unknown = this.live.convex.client.localQueryResult("items:list", { list });
        if (texts !== undefined) seen.set(list, texts as string[]);
      }
      this.sights.push(seen);
    });
  }

  subscribe(list: string): void {
    if (!this.heard.has(list)) this.heard.set(list, this.live.subscribe("items:list", { list }));
  }

  unsubscribe(list: string): void {
    this.heard.get(list)?.stop();
    this.heard.delete(list);
  }
}

/** The state of all lists before the first commit and after each. */
function statesOf(commits: Commit[]): Sight[] {
  const states: Sight[] = [new Map<string, string[]>()];
  for (const { lengths, text } of [...commits].sort((a, b) => (a.ts < b.ts ? -1 : 1))) {
    const next = new Map(states.at(-1));
    for (const [list, length] of Object.entries(lengths)) {
      const texts = [...(next.get(list) ?? []), text];
      expect(texts).toHaveLength(length);
      next.set(list, texts);
    }
    states.push(next);
  }
  return states;
}

function shows(state: Sight, sight: Sight): boolean {
  return [...sight].every(([list, texts]) => {
    const there = state.get(list) ?? [];
    return there.length === texts.length && there.every((text, i) => text === texts[i]);
  });
}

let rounds = 0;

async function play(steps: Step[]): Promise<void> {
  const round = `round ${rounds++}`;
  const name = (list: string): string => `${round} ${list}`;
  const watchers = Array.from({ length: CLIENTS }, () => new Watcher());
  try {
    const appends: Promise<Commit>[] = [];
    for (const each of steps) {
      if (each.do === "wait") {
        await new Promise((resolve) => setTimeout(resolve, each.ms));
        continue;
      }
      const watcher = watchers[each.client];
      if (watcher === undefined) continue;
      if (each.do === "subscribe") watcher.subscribe(name(each.list));
      else if (each.do === "unsubscribe") watcher.unsubscribe(name(each.list));
      else {
        const text = `text ${appends.length}`;
        const result = watcher.live.mutation("items:appendToAll", {
          lists: each.lists.map(name),
          text,
        }) as Promise<{ lengths: Record<string, number>; commitTs: bigint }>;
        appends.push(result.then(({ lengths, commitTs }) => ({ ts: commitTs, lengths, text })));
      }
    }
    const states = statesOf(await Promise.all(appends));
    const present = clientOf(server.cloudUrl);
    for (const watcher of watchers) {
      for (const [list, heard] of watcher.heard) {
        const fresh = await present.query("items:list", { list });
        await heard.until((texts) => JSON.stringify(texts) === JSON.stringify(fresh));
      }
      let at = 0;
      for (const sight of watcher.sights) {
        at = states.findIndex((state, i) => i >= at && shows(state, sight));
        expect(at, "a state that never was, or one from the past").not.toBe(-1);
      }
    }
  } finally {
    await Promise.all(watchers.map(({ live }) => live.close()));
  }
}

test("every client sees what was, in order, and in the end what is", async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), play), {
    numRuns: 40,
    endOnFailure: true,
  });
}, 60_000);
