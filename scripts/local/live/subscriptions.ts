/**
 * All live queries of the deployment. They are brought up to date in rounds: one snapshot, on which
 * everything runs again that commits have touched, so that after a round all results are those of
 * one moment. Commits that come meanwhile wait for the next round together.
 */
import type { Commit } from "../database/types";
import type { Host } from "../runtime/host";
import { ReadIndex } from "./readIndex";
import {
  type Holder,
  type Listener,
  type Question,
  type Run,
  runQuestion,
  Subscription,
} from "./subscription";

/** How many queries run before others get a turn of the thread. */
const RUN_TOGETHER = 16;

export class Subscriptions {
  /** The commit that all results show. */
  ts: bigint;
  private readonly all = new Set<Subscription>();
  private readonly byKey = new Map<string, Subscription>();
  private readonly index = new ReadIndex<Subscription>();
  private readonly dirty = new Set<Subscription>();
  /** To be told after the next round, whatever it changes. */
  private readonly waiting = new Set<Listener>();
  /** Commits that were heard of since the running round began; null between rounds. */
  private recent: Commit[] | null = null;
  private heardTs: bigint;
  private whenHeard: (() => void) | null = null;
  private scheduled = false;
  private stopped = false;
  private readonly stopListening: () => void;

  constructor(
    private readonly host: Host,
    /** A round could not be brought to its end; whoever waits for it must begin again. */
    private readonly onFailure: (error: unknown) => void,
  ) {
    const snapshot = host.database.snapshot();
    this.ts = snapshot.ts;
    this.heardTs = snapshot.ts;
    snapshot.release();
    this.stopListening = host.database.onCommit((commit) => {
      this.hear(commit);
    });
  }

  get size(): number {
    return this.all.size;
  }

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
    this.dirty.add(subscription);
    this.schedule();
    return subscription;
  }

  release(subscription: Subscription, holder: Holder): void {
    subscription.holders.delete(holder);
    if (subscription.holders.size > 0) return;
    this.all.delete(subscription);
    this.name(subscription, []);
    this.dirty.delete(subscription);
    const reads = subscription.last?.reads;
    if (reads != null) this.index.remove(subscription, reads);
  }

  awaitRound(listener: Listener): void {
    this.waiting.add(listener);
    this.schedule();
  }

  forget(listener: Listener): void {
    this.waiting.delete(listener);
  }

  /** Everything runs again: its code, or what it takes from outside of the database, has changed. */
  invalidateAll(): void {
    for (const subscription of this.all) this.dirty.add(subscription);
    this.schedule();
  }

  stop(): void {
    this.stopped = true;
    this.stopListening();
    this.whenHeard?.();
  }

  private hear(commit: Commit): void {
    this.heardTs = commit.ts;
    this.recent?.push(commit);
    for (const subscription of this.index.touchedBy(commit)) this.dirty.add(subscription);
    if (this.dirty.size > 0) this.schedule();
    this.whenHeard?.();
  }

  private schedule(): void {
    if (this.scheduled || this.stopped) return;
    this.scheduled = true;
    // Commits come in groups, and one round serves them all.
    setImmediate(() => {
      this.rounds().catch(this.onFailure);
    });
  }

  private async rounds(): Promise<void> {
    try {
      while (!this.stopped && (this.dirty.size > 0 || this.waiting.size > 0)) await this.round();
    } finally {
      this.recent = null;
      this.scheduled = false;
    }
  }

  private async round(): Promise<void> {
    this.recent = [];
    const snapshot = this.host.database.snapshot();
    try {
      await this.heardUpTo(snapshot.ts);
      // By then whoever made those commits has been answered, and may see what came of them.
      await nextTurn();
      const toRun = [...this.dirty];
      this.dirty.clear();
      const told = new Set(this.waiting);
      this.waiting.clear();
      const runs: [Subscription, Run][] = [];
      for (let i = 0; i < toRun.length; i += RUN_TOGETHER) {
        if (i > 0) await nextTurn();
        const batch = toRun.slice(i, i + RUN_TOGETHER);
        const done = batch.map(async (subscription): Promise<[Subscription, Run]> => {
          return [subscription, await runQuestion(this.host, snapshot, subscription.next)];
        });
        runs.push(...(await Promise.all(done)));
      }
      if (this.stopped) return;
      // From here to the end nothing else runs, so nobody sees results of two moments.
      this.ts = snapshot.ts;
      const later = this.recent.filter(({ ts }) => ts > snapshot.ts);
      for (const [subscription, run] of runs) {
        if (subscription.holders.size === 0) continue;
        if (this.settle(subscription, run, later)) {
          for (const { listener } of subscription.holders) told.add(listener);
        }
      }
      for (const listener of told) listener.roundEnded();
    } finally {
      snapshot.release();
    }
  }

  /** A snapshot may show commits that the database has not reported yet. */
  private async heardUpTo(ts: bigint): Promise<void> {
    while (this.heardTs < ts && !this.stopped) {
      await new Promise<void>((resolve) => (this.whenHeard = resolve));
      this.whenHeard = null;
    }
  }

  /** Takes over a run's result; true if that is news to the holders. */
  private settle(subscription: Subscription, run: Run, later: readonly Commit[]): boolean {
    const { last, question } = subscription;
    if (last?.reads != null) this.index.remove(subscription, last.reads);
    if (run.reads !== null) {
      this.index.add(subscription, run.reads);
      if (later.some((commit) => run.reads?.touchedBy(commit))) this.dirty.add(subscription);
    }
    const isNews = last?.comparable !== run.comparable || last.journal !== run.journal;
    if (isNews) subscription.revision++;
    subscription.last = run;
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
    return isNews;
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
