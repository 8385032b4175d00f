/** One live query as it stands, shared by everyone who holds it. */
import type { JSONValue } from "convex/values";
import type { DatabaseSnapshot, ReadSet } from "../database/types";
import { Call, requestOfHost } from "../runtime/call";
import { publicError } from "../runtime/errors";
import type { Host } from "../runtime/host";
import type { Viewer } from "./viewer";
import type { Outcome } from "./protocol";

/** What a client has asked for, and with which eyes it is read. */
export type Question = {
  name: string;
  args: JSONValue;
  argsText: string;
  viewer: Viewer;
  /** What an earlier run, perhaps of an earlier connection, has left for the next. */
  journal: string | null;
};

/** One moment to which clients are brought. */
export type Moment = {
  /** The commit that it shows last. */
  readonly ts: bigint;
  readonly snapshot: DatabaseSnapshot;
};

/** A client: brought from one moment to a later one, and to the next when it has arrived. */
export type Listener = { comeTo(moment: Moment): Promise<void> };

/** One client's interest in a subscription. */
export type Holder = {
  readonly listener: Listener;
  readonly question: Question;
  /** The result is another one for this holder's viewer than for who it was made for. */
  part(): void;
};

/** A run's result, and everything that it depends on. */
export type Run = {
  /** The moment that it shows. */
  ts: bigint;
  outcome: Outcome;
  /** Two runs with the same text have nothing new to tell each other. */
  comparable: string;
  journal: string | null;
  reads: ReadSet | null;
  usedIdentity: boolean;
};

/** What a subscription holds. */
export type Result = Run & {
  /** Counts the results that differed from the one before. */
  revision: number;
  /** The first commit after it that has touched what it read; null while it is the present. */
  touchedAt: bigint | null;
};

export class Subscription {
  readonly holders = new Set<Holder>();
  last: Result | null = null;
  /** Runs are made one after another, each for all who wait for that moment. */
  running: Promise<void> | null = null;
  /** By which names others find it, to share it. */
  keys: string[] = [];

  constructor(readonly question: Question) {}

  /** The question that the next run asks: its page ends where the last one's did. */
  get next(): Question {
    return this.last === null ? this.question : { ...this.question, journal: this.last.journal };
  }

  /** What it holds, if that is true at the moment; of the commits up to then all must have been heard. */
  resultAt({ ts }: Moment): Result | null {
    const { last } = this;
    if (last === null || last.ts > ts) return null;
    return last.touchedAt === null || ts < last.touchedAt ? last : null;
  }
}

/** Runs a query on the snapshot. A failure is a result like any other. */
export async function runQuestion(
  host: Host,
  { ts, snapshot }: Moment,
  { name, args, viewer, journal }: Question,
): Promise<Run> {
  const request = { ...requestOfHost(), identity: viewer.identity };
  let call: Call | null = null;
  let outcome: Outcome;
  let comparable: string;
  try {
    const { entry, argsText } = host.prepare("query", name, args, viewer.visibility);
    const value = await snapshot.query(async (tx) => {
      call = new Call(host, "query", entry, request, tx, null);
      call.endCursor = endCursorOf(journal);
      return await host.runQuery(call, argsText);
    });
    outcome = { success: true, value };
    comparable = value;
  } catch (error) {
    outcome = { success: false, ...publicError(error, request.requestId) };
    // Each run has a request id of its own, which is not news.
    comparable = `error ${JSON.stringify(publicError(error, ""))}`;
  }
  const ran = call as Call | null;
  return {
    ts,
    outcome,
    comparable,
    journal: journalOf(ran?.endCursor ?? null),
    reads: ran?.tx?.reads ?? null,
    usedIdentity: ran?.usedIdentity ?? false,
  };
}

/** As Convex's journals: JSON, which clients keep without reading it. */
function journalOf(endCursor: string | null): string | null {
  return endCursor === null ? null : JSON.stringify({ endCursor });
}

/** A journal comes from outside: the cursor in it is checked where it is opened. */
function endCursorOf(journal: string | null): string | null {
  if (journal === null) return null;
  try {
    const { endCursor } = JSON.parse(journal) as { endCursor?: unknown };
    return typeof endCursor === "string" ? endCursor : null;
  } catch {
    return null;
  }
}
