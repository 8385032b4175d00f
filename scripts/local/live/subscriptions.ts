/**
 * All live queries of the deployment, and how far each client has been brought. A client comes from
 * one moment to a later one: everything that it holds and that commits have touched since runs on one
 * snapshot, so that all its results are those of that moment. Clients that are free when commits come
 * go to the same moment together, but none waits for the queries of another.
 */
import type { Commit } from "../database/types";
import type { Host } from "../runtime/host";
import { ReadIndex } from "./readIndex";
import { RunQueue } from "./runQueue";
import {
  type Holder,
  type Listener,
  type Moment,
  type Question,
  type Result,
  type Run,
  runQuestion,
  Subscription,
} from "./subscription";

/** Moments that slow queries keep open: each holds a read transaction, of which LMDB has a limited number. */
const MAX_MOMENTS = 64;

export class Subscriptions {
  private readonly all = new Set<Subscription>();
  private readonly byKey = new Map<string, Subscription>();
  private readonly index = new ReadIndex<Subscription>();
  private readonly runs = new RunQueue();
  /** Who is to come to a moment that shows at least this commit. */
  private readonly wanting = new Map<Listener, bigint>();
  /** Who is on the way, and comes to no other moment before. */
  private readonly coming = new Set<Listener>();
  /** In the order in which they began. */
  private readonly moments = new Set<Moment>();
  /** Commits after the first of the open moments, for runs on them that end later. */
  private recent: Commit[] = [];
  private heardTs: bigint;
  private whenHeard: (() => void) | null = null;
  private isBeginning = false;
  private stopped = false;
  /** Grows when everything has to run again. */
  private generation = 0;
  private readonly stopListening: () => void;

  constructor(
    private readonly host: Host,
    /** Clients could not be brought on; they must begin again. */
    private readonly onFailure: (error: unknown) => void,
  ) {
    const snapshot = host.database.snapshot();
    this.heardTs = snapshot.ts;
    snapshot.release();
    this.stopListening = host.database.onCommit((commit) => {
      this.hear(commit);
    });
  }

  get size(): number {
    return this.all.size;
  }

  /** Runs when the holder's listener comes to its next moment. */
  hold(holder: Holder): Subscription {
    const { question } = holder;
    const own = keyOf(question, question.viewer.key);
    const known = this.byKey.get(own) ?? this.byKey.get(keyOf(question, ANYONE));
    if (known !== undefined) {
      known.holders.add(holder);
      return known;
    }
    const subscription = new Subscription(question);
    subscription.holders.add(holder);
    this.all.add(subscription);
    this.name(subscription, [own]);
    return subscription;
  }

  release(subscription: Subscription, holder: Holder): void {
    subscription.holders.delete(holder);
    if (subscription.holders.size > 0) return;
    this.all.delete(subscription);
    this.name(subscription, []);
    const reads = subscription.last?.reads;
    if (reads != null) this.index.remove(subscription, reads);
  }

  /** The listener comes to a moment that is yet to begin, whether or not there is news. */
  awaitMoment(listener: Listener, ts = 0n): void {
    const known = this.wanting.get(listener);
    if (known === undefined || known < ts) this.wanting.set(listener, ts);
    this.schedule();
  }

  forget(listener: Listener): void {
    this.wanting.delete(listener);
  }

  /** The subscription's result at that moment; runs have to be made on the way there. */
  async bring(subscription: Subscription, moment: Moment, listener: Listener): Promise<Result> {
    for (;;) {
      while (subscription.running !== null) await subscription.running;
      const result = subscription.resultAt(moment);
      if (result !== null) return result;
      subscription.running = this.run(subscription, moment, listener).finally(() => {
        subscription.running = null;
      });
    }
  }

  /** Everything runs again: its code, or what it takes from outside of the database, has changed. */
  invalidateAll(): void {
    this.generation++;
    for (const subscription of this.all) this.touch(subscription, 0n);
    this.schedule();
  }

  stop(): void {
    this.stopped = true;
    this.stopListening();
    this.whenHeard?.();
  }

  private hear(commit: Commit): void {
    this.heardTs = commit.ts;
    if (this.moments.size > 0) this.recent.push(commit);
    for (const subscription of this.index.touchedBy(commit)) this.touch(subscription, commit.ts);
    this.schedule();
    this.whenHeard?.();
  }

  private touch({ last, holders }: Subscription, ts: bigint): void {
    if (last !== null && (last.touchedAt === null || ts < last.touchedAt)) last.touchedAt = ts;
    for (const { listener } of holders) {
      const known = this.wanting.get(listener);
      if (known === undefined || known < ts) this.wanting.set(listener, ts);
    }
  }

  private schedule(): void {
    if (this.isBeginning || this.stopped || !this.canBegin()) return;
    this.isBeginning = true;
    // Commits come in groups, and one moment serves them all.
    setImmediate(() => {
      this.begin()
        .catch((error: unknown) => {
          this.wanting.clear();
          this.onFailure(error);
        })
        .finally(() => {
          this.isBeginning = false;
          this.schedule();
        });
    });
  }

  private canBegin(): boolean {
    if (this.moments.size >= MAX_MOMENTS) return false;
    for (const listener of this.wanting.keys()) if (!this.coming.has(listener)) return true;
    return false;
  }

  private async begin(): Promise<void> {
    const snapshot = this.host.database.snapshot();
    const moment: Moment = { ts: snapshot.ts, snapshot };
    this.moments.add(moment);
    let coming: Promise<void>[] = [];
    try {
      await this.heardUpTo(moment.ts);
      // By then whoever made those commits has been answered, and may see what came of them.
      await nextTurn();
      coming = this.stopped ? [] : this.free().map((listener) => this.come(listener, moment));
    } finally {
      void Promise.allSettled(coming).then(() => {
        this.end(moment);
      });
    }
  }

  private free(): Listener[] {
    return [...this.wanting.keys()].filter((listener) => !this.coming.has(listener));
  }

  private async come(listener: Listener, moment: Moment): Promise<void> {
    if ((this.wanting.get(listener) ?? 0n) <= moment.ts) this.wanting.delete(listener);
    this.coming.add(listener);
    try {
      await listener.comeTo(moment);
    } catch (error) {
      this.onFailure(error);
    } finally {
      this.coming.delete(listener);
      this.schedule();
    }
  }

  private end(moment: Moment): void {
    this.moments.delete(moment);
    moment.snapshot.release();
    const [first] = this.moments;
    this.recent = first === undefined ? [] : this.recent.filter(({ ts }) => ts > first.ts);
    this.schedule();
  }

  /** A snapshot may show commits that the database has not reported yet. */
  private async heardUpTo(ts: bigint): Promise<void> {
    while (this.heardTs < ts && !this.stopped) {
      await new Promise<void>((resolve) => (this.whenHeard = resolve));
      this.whenHeard = null;
    }
  }

  private async run(subscription: Subscription, moment: Moment, listener: Listener): Promise<void> {
    const { generation } = this;
    const run = await this.runs.run(listener, () =>
      runQuestion(this.host, moment, subscription.next),
    );
    this.settle(subscription, run);
    // It ran on what has been replaced meanwhile.
    if (generation !== this.generation) this.touch(subscription, 0n);
  }

  /** Takes over a run's result. */
  private settle(subscription: Subscription, run: Run): void {
    const { last, question } = subscription;
    const isNews = last?.comparable !== run.comparable || last.journal !== run.journal;
    const revision = (last?.revision ?? 0) + (isNews ? 1 : 0);
    subscription.last = { ...run, revision, touchedAt: null };
    // Its holders have let it go.
    if (!this.all.has(subscription)) return;
    if (last?.reads != null) this.index.remove(subscription, last.reads);
    if (run.reads !== null) {
      this.index.add(subscription, run.reads);
      const touching = this.recent.find(
        (commit) => commit.ts > run.ts && run.reads?.touchedBy(commit) === true,
      );
      if (touching !== undefined) this.touch(subscription, touching.ts);
    }
    const eyes = run.usedIdentity ? question.viewer.key : ANYONE;
    // Whoever has seen this result before goes on from its journal; a newcomer has none, and may
    // share it as long as its page has not been stretched.
    const names = [keyOf({ ...question, journal: run.journal }, eyes)];
    if (last === null) names.push(keyOf(question, eyes));
    this.name(subscription, names);
    if (run.usedIdentity) {
      for (const holder of [...subscription.holders]) {
        if (holder.question.viewer.key !== question.viewer.key) holder.part();
      }
    }
  }

  private name(subscription: Subscription, keys: string[]): void {
    for (const key of subscription.keys) {
      if (this.byKey.get(key) === subscription) this.byKey.delete(key);
    }
    // One that is already known by that name keeps it; this one serves those who hold it.
    for (const key of keys) if (!this.byKey.has(key)) this.byKey.set(key, subscription);
    subscription.keys = keys;
  }
}

/** In place of a viewer's key where the result does not depend on the viewer. */
const ANYONE = "anyone";

function keyOf({ name, argsText, journal, viewer }: Question, eyes: string): string {
  return JSON.stringify([name, argsText, journal, viewer.visibility, eyes]);
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
