/** The queries of one connection: which it holds, which of their results it has been sent. */
import type { AddQuery } from "./protocol";
import { ProtocolError, queryRemoved, queryUpdated } from "./protocol";
import { canonicalName } from "../runtime/names";
import type { Holder, Listener, Question, Subscription } from "./subscription";
import type { Subscriptions } from "./subscriptions";
import type { Viewer } from "./viewer";

class HeldQuery implements Holder {
  /** Of its subscription's results, or null while none has been sent. */
  sentRevision: number | null = null;
  private subscription: Subscription;

  constructor(
    private readonly subscriptions: Subscriptions,
    readonly listener: Listener,
    public question: Question,
    /** The version of the query set with which it came. */
    readonly since: number,
  ) {
    this.subscription = subscriptions.hold(this);
  }

  get isReady(): boolean {
    return this.subscription.last !== null;
  }

  /** The message for what has not been sent yet, or null. */
  news(queryId: number): string | null {
    const { last, revision } = this.subscription;
    if (last === null || revision === this.sentRevision) return null;
    this.sentRevision = revision;
    return queryUpdated(queryId, last.outcome, last.journal);
  }

  /** Asks for itself from now on, as another viewer or because the result is another's. */
  askAs(viewer: Viewer): void {
    const journal = this.subscription.last?.journal ?? this.question.journal;
    this.release();
    this.sentRevision = null;
    this.question = { ...this.question, viewer, journal };
    this.subscription = this.subscriptions.hold(this);
  }

  part(): void {
    this.askAs(this.question.viewer);
    this.subscriptions.awaitRound(this.listener);
  }

  release(): void {
    this.subscriptions.release(this.subscription, this);
  }
}

export class QuerySet {
  private readonly queries = new Map<number, HeldQuery>();
  /** Sent before, and to be taken back with the next transition. */
  private readonly removed = new Set<number>();

  constructor(
    private readonly subscriptions: Subscriptions,
    private readonly listener: Listener,
    private readonly maximum: number,
  ) {}

  add({ queryId, udfPath, args, journal }: AddQuery, viewer: Viewer, since: number): void {
    if (this.queries.has(queryId)) throw new ProtocolError(`Query ${queryId} exists already`);
    if (this.queries.size >= this.maximum) {
      throw new ProtocolError(`A connection holds at most ${this.maximum} queries`);
    }
    const question: Question = {
      name: canonicalName(udfPath),
      args,
      argsText: JSON.stringify(args),
      viewer,
      journal: journal ?? null,
    };
    this.queries.set(queryId, new HeldQuery(this.subscriptions, this.listener, question, since));
  }

  remove(queryId: number): void {
    const query = this.queries.get(queryId);
    if (query === undefined) throw new ProtocolError(`There is no query ${queryId}`);
    query.release();
    this.queries.delete(queryId);
    if (query.sentRevision !== null) this.removed.add(queryId);
  }

  /** From now on as another viewer; nothing is ready before it has been looked at anew. */
  askAs(viewer: Viewer): void {
    for (const query of this.queries.values()) query.askAs(viewer);
  }

  /** The last version whose queries all have results, given the latest. */
  readyVersion(latest: number): number {
    let ready = latest;
    for (const query of this.queries.values()) {
      if (!query.isReady) ready = Math.min(ready, query.since - 1);
    }
    return ready;
  }

  /** What has not been sent of the queries up to that version; counts as sent from now on. */
  takeNews(upTo: number): string[] {
    const news = [...this.removed].map(queryRemoved);
    this.removed.clear();
    for (const [queryId, query] of this.queries) {
      const message = query.since <= upTo ? query.news(queryId) : null;
      if (message !== null) news.push(message);
    }
    return news;
  }

  release(): void {
    for (const query of this.queries.values()) query.release();
    this.queries.clear();
  }
}
