/** The queries of one connection: which it holds, which of their results it has been sent. */
import type { AddQuery } from "./protocol";
import { ProtocolError, queryRemoved, queryUpdated } from "./protocol";
import { canonicalName } from "../runtime/names";
import type { Holder, Listener, Moment, Question, Result, Subscription } from "./subscription";
import type { Subscriptions } from "./subscriptions";
import type { Viewer } from "./viewer";

class HeldQuery implements Holder {
  /** Of its subscription's results, or null while none has been sent. */
  sentRevision: number | null = null;
  private subscription: Subscription;

  constructor(
    private readonly subscriptions: Subscriptions,
    readonly listener: Listener,
    readonly queryId: number,
    public question: Question,
  ) {
    this.subscription = subscriptions.hold(this);
  }

  /** Its result at the moment; a promise where a run has to be made. */
  resultAt(moment: Moment): Result | Promise<Result> {
    return this.subscription.resultAt(moment) ?? this.bring(moment);
  }

  private async bring(moment: Moment): Promise<Result> {
    for (;;) {
      const { subscription } = this;
      const result = await this.subscriptions.bring(subscription, moment, this.listener);
      // Otherwise it was made for other eyes.
      if (subscription === this.subscription) return result;
    }
  }

  isNews({ revision }: Result): boolean {
    return revision !== this.sentRevision;
  }

  /** The message that brings the result; it counts as sent. */
  send({ revision, outcome, journal }: Result): string {
    this.sentRevision = revision;
    return queryUpdated(this.queryId, outcome, journal);
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
    this.subscriptions.awaitMoment(this.listener);
  }

  release(): void {
    this.subscriptions.release(this.subscription, this);
  }
}

type Results = Map<HeldQuery, Result>;

export class QuerySet {
  private readonly queries = new Map<number, HeldQuery>();
  /** Sent before, and to be taken back with the next transition. */
  private readonly removed = new Set<number>();

  constructor(
    private readonly subscriptions: Subscriptions,
    private readonly listener: Listener,
    private readonly maximum: number,
  ) {}

  add({ queryId, udfPath, args, journal }: AddQuery, viewer: Viewer): void {
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
    this.queries.set(queryId, new HeldQuery(this.subscriptions, this.listener, queryId, question));
  }

  remove(queryId: number): void {
    const query = this.queries.get(queryId);
    if (query === undefined) throw new ProtocolError(`There is no query ${queryId}`);
    query.release();
    this.queries.delete(queryId);
    if (query.sentRevision !== null) this.removed.add(queryId);
  }

  /** From now on as another viewer. */
  askAs(viewer: Viewer): void {
    for (const query of this.queries.values()) query.askAs(viewer);
  }

  /** All queries of now have been brought to that moment; what they have to tell is in the result. */
  async resultsAt(moment: Moment): Promise<Results> {
    const results: Results = new Map();
    const underWay: Promise<unknown>[] = [];
    for (const query of this.queries.values()) {
      const result = query.resultAt(moment);
      if (result instanceof Promise) {
        underWay.push(result.then((brought) => results.set(query, brought)));
      } else if (query.isNews(result)) results.set(query, result);
    }
    await Promise.all(underWay);
    return results;
  }

  /** What of the results has not been sent, and what has been removed; counts as sent from now on. */
  takeNews(results: Results): string[] {
    const news = [...this.removed].map(queryRemoved);
    this.removed.clear();
    for (const [query, result] of results) {
      const isHeld = this.queries.get(query.queryId) === query;
      if (isHeld && query.isNews(result)) news.push(query.send(result));
    }
    return news;
  }

  release(): void {
    for (const query of this.queries.values()) query.release();
    this.queries.clear();
  }
}
