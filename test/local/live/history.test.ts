/**
 * Random subscriptions, lost connections and concurrent mutations: what each client sees in one transition is what
 * the database was at one commit, commits come in order, and in the end everyone has the present.
 */
import type { Value } from "convex/values";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../../helpers/server";
import { clientOf } from "../runtime/fixture";
import WebSocket from "ws";
import { FUNCTIONS, type Heard, LiveClient } from "./client";

const CLIENTS = 3;
const LISTS = ["a", "b", "c", "d"] as const;

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ functions: FUNCTIONS, flags: ["--no-demo"] });
});
afterAll(() => server.remove());

/** A list whole, or its first page, which ends where it ended at first. */
type As = "items:list" | "items:page";
const PAGE = { numItems: 3, cursor: null };

type Step =
  | { do: "subscribe"; client: number; list: string; as: As }
  | { do: "unsubscribe"; client: number; list: string }
  | { do: "disconnect"; client: number }
  | { do: "append"; client: number; lists: string[] }
  | { do: "wait"; ms: number };

const client = fc.nat(CLIENTS - 1);
const list = fc.constantFrom(...LISTS);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("subscribe" as const),
      client,
      list,
      as: fc.constantFrom<As>("items:list", "items:page"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("disconnect" as const), client }) },
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

/** What a client sees of a list: all of it, or how it begins. */
type View = { list: string; texts: string[]; isWhole: boolean };
/** What one client saw together; what it had no result of is missing. */
type Sight = View[];
type State = Map<string, string[]>;
type Commit = { ts: bigint; lengths: Record<string, number>; text: string };

type Result = string[] | { page: { text: string }[]; isDone: boolean };

class Watcher {
  readonly sights: Sight[] = [];
  private readonly held = new Map<string, { list: string; as: As; heard: Heard<Result> }>();
  private socket: WebSocket | null = null;
  readonly live: LiveClient;

  constructor() {
    const opened = (socket: WebSocket): void => {
      this.socket = socket;
    };
    class Remembered extends WebSocket {
      constructor(url: string) {
        super(url);
        opened(this);
      }
    }
    const webSocketConstructor = Remembered as unknown as typeof globalThis.WebSocket;
    this.live = new LiveClient(server.cloudUrl, { webSocketConstructor });
    const { client } = this.live.convex;
    client.addOnTransitionHandler(() => {
      const seen = [...this.held.values()].flatMap(({ list, as }): View[] => {
        const result = client.localQueryResult(as, argsOf(list, as)) as Result | undefined;
        return result === undefined ? [] : [viewOf(list, result)];
      });
      this.sights.push(seen);
    });
  }

  get heard(): { list: string; heard: Heard<Result> }[] {
    return [...this.held.values()];
  }

  subscribe(list: string, as: As): void {
    const name = `${as} ${list}`;
    if (this.held.has(name)) return;
    this.held.set(name, { list, as, heard: this.live.subscribe<Result>(as, argsOf(list, as)) });
  }

  unsubscribe(list: string): void {
    for (const as of ["items:list", "items:page"]) {
      this.held.get(`${as} ${list}`)?.heard.stop();
      this.held.delete(`${as} ${list}`);
    }
  }

  /** As a network does it; the client does not wait for its second to connect again. */
  disconnect(): void {
    const { client } = this.live.convex;
    const { webSocketManager } = client as unknown as {
      webSocketManager: { tryReconnectImmediately(): void };
    };
    this.socket?.once("close", () => {
      setImmediate(() => {
        webSocketManager.tryReconnectImmediately();
      });
    });
    this.socket?.terminate();
  }
}

function argsOf(list: string, as: As): Record<string, Value> {
  return as === "items:list" ? { list } : { list, paginationOpts: PAGE };
}

function viewOf(list: string, result: Result): View {
  if (Array.isArray(result)) return { list, texts: result, isWhole: true };
  return { list, texts: result.page.map(({ text }) => text), isWhole: result.isDone };
}

/** The state of all lists before the first commit and after each. */
function statesOf(commits: Commit[]): State[] {
  const states: State[] = [new Map<string, string[]>()];
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

function shows(state: State, sight: Sight): boolean {
  return sight.every(({ list, texts, isWhole }) => {
    const there = state.get(list) ?? [];
    const isLong = isWhole ? there.length === texts.length : there.length >= texts.length;
    return isLong && texts.every((text, i) => text === there[i]);
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
      if (each.do === "subscribe") watcher.subscribe(name(each.list), each.as);
      else if (each.do === "unsubscribe") watcher.unsubscribe(name(each.list));
      else if (each.do === "disconnect") watcher.disconnect();
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
      for (const { list, heard } of watcher.heard) {
        const fresh = new Map([[list, (await present.query("items:list", { list })) as string[]]]);
        await heard.until((result) => shows(fresh, [viewOf(list, result)]));
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
