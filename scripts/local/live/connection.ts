/** One client: its queries, its identity, its requests, and how far it has been brought. */
import type { RawData, WebSocket } from "ws";
import { AuthenticationError } from "../identity";
import { newRequestId, type RequestInfo } from "../runtime/call";
import { messageOf } from "../problem";
import { publicError } from "../runtime/errors";
import type { Host } from "../runtime/host";
import { log } from "../runtime/log";
import { canonicalName } from "../runtime/names";
import { jsonProblem } from "../server/jsonShape";
import type { Authentication } from "./authentication";
import type { LiveLimits } from "./limits";
import { Outbox } from "./outbox";
import {
  actionResponse,
  authError,
  type Authenticate,
  type ClientMessage,
  type Connect,
  fatalError,
  type FunctionRequest,
  type ModifyQuerySet,
  mutationResponse,
  type Outcome,
  parseClientMessage,
  ProtocolError,
  type StateVersion,
  transition,
} from "./protocol";
import { QuerySet } from "./querySet";
import { runOnce } from "./requests";
import type { Moment } from "./subscription";
import type { Subscriptions } from "./subscriptions";
import { NOBODY, type Viewer } from "./viewer";

export type ConnectionContext = {
  host: Host;
  subscriptions: Subscriptions;
  authentication: Authentication;
  limits: LiveLimits;
};

/** Close codes of RFC 6455. */
export const GOING_AWAY = 1_001;
const POLICY_VIOLATION = 1_008;
export const INTERNAL_ERROR = 1_011;

export class Connection {
  private readonly outbox: Outbox;
  private readonly queries: QuerySet;
  private readonly openedAt = performance.now();
  private session: { id: string; clockSkew: number | undefined } | null = null;
  private viewer: Viewer = NOBODY;
  /** What the client has asked for, and what it has been told. */
  private querySetVersion = 0;
  private identityVersion = 0;
  private sent: StateVersion = { querySet: 0, identity: 0, ts: 0n };
  /** A transition that reaches this commit is due, even if it says nothing new. */
  private owedTs: bigint | null = null;
  /** Messages are taken one after another; an `Authenticate` among them waits for keys. */
  private inbox: Promise<void> = Promise.resolve();
  private untaken = 0;
  private mutations: Promise<void> = Promise.resolve();
  private underWay = 0;
  private whenIdle: (() => void) | null = null;
  private probedAt = this.openedAt;
  private isAlive = true;
  /** Nothing more is done for this client, whether or not its connection has closed yet. */
  private ended = false;
  /** The connection has closed. */
  readonly closed: Promise<void>;

  constructor(
    private readonly socket: WebSocket,
    private readonly context: ConnectionContext,
    /** Of whom the functions that it calls are told. */
    private readonly caller: Omit<RequestInfo, "requestId" | "identity">,
    takesChunks: boolean,
  ) {
    const { subscriptions, limits } = context;
    this.outbox = new Outbox(socket, takesChunks, limits, {
      onRoom: () => {
        subscriptions.awaitMoment(this);
      },
      onStalled: () => {
        socket.terminate();
      },
    });
    this.queries = new QuerySet(subscriptions, this, limits.queriesPerConnection);
    socket.on("message", (data, isBinary) => {
      this.receive(data, isBinary);
    });
    socket.on("pong", () => (this.isAlive = true));
    // Its close follows, and says all there is to say.
    socket.on("error", () => undefined);
    this.closed = new Promise((resolve) => {
      socket.on("close", () => {
        this.end();
        resolve();
      });
    });
  }

  /** What this client cannot be told (its results together are more than a text can hold) ends it alone. */
  async comeTo(moment: Moment): Promise<void> {
    // What is too full says when it has room again.
    if (this.ended || this.hasExpired() || this.outbox.isFull) return;
    const { querySetVersion: querySet, identityVersion: identity } = this;
    const results = await this.queries.resultsAt(moment);
    // Under another identity they are not this client's any more.
    if (this.ended || this.hasExpired() || this.outbox.isFull || identity !== this.identityVersion)
      return;
    try {
      this.bringTo({ querySet, identity, ts: moment.ts }, this.queries.takeNews(results));
    } catch (error) {
      log("error", `A live client could not be brought up to date: ${messageOf(error)}`);
      this.fail(error);
    }
  }

  /** All results are those of one moment: the client is brought there, if there is news. */
  private bringTo(to: StateVersion, news: readonly string[]): void {
    const isDue =
      (this.owedTs !== null && this.owedTs <= to.ts) ||
      to.querySet > this.sent.querySet ||
      to.identity > this.sent.identity;
    if (news.length === 0 && !isDue) return;
    const clock = { clientClockSkew: this.session?.clockSkew, serverTs: Date.now() * 1e6 };
    this.outbox.sendTransition(transition(this.sent, to, news, clock));
    this.sent = to;
    if (this.owedTs !== null && this.owedTs <= to.ts) this.owedTs = null;
  }

  /** To be called every few seconds. */
  tick(now: number): void {
    const { socket, context } = this;
    const { connectWithinMs, pingAfterMs } = context.limits;
    if (this.session === null && now - this.openedAt > connectWithinMs) {
      socket.close(POLICY_VIOLATION, "No Connect message came");
    }
    if (now - this.probedAt >= pingAfterMs) {
      this.probedAt = now;
      this.probe();
    }
    this.outbox.tick(now);
    this.hasExpired();
  }

  /** Asks the client's machine whether it is still there; who has not answered the last time is dropped. */
  private probe(): void {
    const { socket } = this;
    // Its answer may stand behind what is not read at the moment, or the question behind what is not sent.
    if (socket.isPaused || socket.bufferedAmount > 0) return;
    if (!this.isAlive) socket.terminate();
    this.isAlive = false;
    socket.ping();
  }

  /** No new messages; resolves when everything under way has been answered. */
  async drain(): Promise<void> {
    this.socket.removeAllListeners("message");
    await this.inbox;
    if (this.underWay > 0) await new Promise<void>((resolve) => (this.whenIdle = resolve));
  }

  close(code: number, reason: string): void {
    this.socket.close(code, reason);
  }

  terminate(): void {
    this.socket.terminate();
  }

  private end(): void {
    this.ended = true;
    this.queries.release();
    this.context.subscriptions.forget(this);
  }

  /** An identity lasts no longer than its token: the client is told, and gets itself another. */
  private hasExpired(): boolean {
    if (this.viewer.expires > Date.now()) return false;
    this.refuseIdentity("The token has expired", this.identityVersion - 1, false);
    return true;
  }

  private receive(data: RawData, isBinary: boolean): void {
    this.untaken++;
    this.paceReading();
    this.inbox = this.inbox.then(async () => {
      this.isAlive = true;
      try {
        if (this.ended || this.hasExpired()) return;
        if (isBinary || !Buffer.isBuffer(data)) throw new ProtocolError("A message is not text");
        const problem = jsonProblem(data);
        if (problem !== null) throw new ProtocolError(`A message ${problem}`);
        await this.take(parseClientMessage(data.toString("utf8")));
      } catch (error) {
        this.fail(error);
      } finally {
        this.untaken--;
        this.paceReading();
      }
    });
  }

  /** A client that breaks the protocol is told how, and let go. */
  private fail(error: unknown): void {
    if (error instanceof ProtocolError) {
      this.outbox.send(fatalError(error.message));
      this.socket.close(POLICY_VIOLATION, "Protocol error");
    } else {
      this.socket.close(INTERNAL_ERROR, "InternalServerError");
    }
    this.end();
  }

  private async take(message: ClientMessage): Promise<void> {
    if (message.type === "Connect") {
      this.connect(message);
      return;
    }
    if (this.session === null) throw new ProtocolError("The first message must be Connect");
    switch (message.type) {
      case "ModifyQuerySet":
        this.modify(message);
        break;
      case "Authenticate":
        await this.authenticate(message);
        break;
      case "Mutation":
        this.mutate(message, this.session.id);
        break;
      case "Action":
        this.act(message);
        break;
      case "Event":
        // Measurements that the client offers.
        break;
    }
  }

  private connect({ sessionId, clientTs }: Connect): void {
    if (this.session !== null) throw new ProtocolError("Connect may come only once");
    // What the client has seen was on disk before, so any snapshot from now on is at least as new.
    const clockSkew = clientTs == null ? undefined : clientTs - Date.now();
    this.session = { id: sessionId, clockSkew };
  }

  private modify({ baseVersion, newVersion, modifications }: ModifyQuerySet): void {
    if (baseVersion !== this.querySetVersion || newVersion !== baseVersion + 1) {
      throw new ProtocolError(
        `The query set is at version ${this.querySetVersion}, not at ${baseVersion}`,
      );
    }
    this.querySetVersion = newVersion;
    for (const modification of modifications) {
      if (modification.type === "Add") this.queries.add(modification, this.viewer);
      else this.queries.remove(modification.queryId);
    }
    this.context.subscriptions.awaitMoment(this);
  }

  private async authenticate(message: Authenticate): Promise<void> {
    const { baseVersion } = message;
    if (baseVersion !== this.identityVersion) {
      throw new ProtocolError(
        `The identity is at version ${this.identityVersion}, not at ${baseVersion}`,
      );
    }
    try {
      this.viewer = await this.context.authentication.viewerOf(message);
    } catch (error) {
      if (!(error instanceof AuthenticationError)) throw error;
      this.refuseIdentity(error.message, baseVersion, true);
      return;
    }
    this.identityVersion = baseVersion + 1;
    this.queries.askAs(this.viewer);
    this.context.subscriptions.awaitMoment(this);
  }

  /** The client gets itself another token and connects again; until then nothing is done for it. */
  private refuseIdentity(why: string, baseVersion: number, attempted: boolean): void {
    this.viewer = NOBODY;
    this.outbox.send(authError(why, baseVersion, attempted));
    this.socket.close(POLICY_VIOLATION, "AuthError");
    this.end();
  }

  /** One after another, in the order in which they came. */
  private mutate({ requestId, udfPath, args }: FunctionRequest, sessionId: string): void {
    const { host } = this.context;
    const { visibility } = this.viewer;
    const request = this.newRequest();
    const name = canonicalName(udfPath);
    this.begin();
    this.mutations = this.mutations.then(async () => {
      try {
        const mutation = { sessionId, requestId, name, args, visibility, request };
        const { value, commitTs } = await runOnce(host, mutation);
        this.outbox.send(mutationResponse(requestId, { success: true, value }, commitTs));
        // The client holds its answer back until it sees what came of it.
        this.owedTs = commitTs;
        if (!this.ended) this.context.subscriptions.awaitMoment(this, commitTs);
      } catch (error) {
        this.outbox.send(mutationResponse(requestId, failure(error, request), 0n));
      } finally {
        this.finish();
      }
    });
  }

  private act({ requestId, udfPath, args }: FunctionRequest): void {
    const { host } = this.context;
    const request = this.newRequest();
    this.begin();
    host
      .run("action", canonicalName(udfPath), args, request, this.viewer.visibility)
      .then(
        (value): Outcome => ({ success: true, value }),
        (error: unknown) => failure(error, request),
      )
      .then((outcome) => {
        this.outbox.send(actionResponse(requestId, outcome));
        this.finish();
      })
      .catch((error: unknown) => {
        this.fail(error);
      });
  }

  private newRequest(): RequestInfo {
    return { ...this.caller, requestId: newRequestId(), identity: this.viewer.identity };
  }

  private begin(): void {
    this.underWay++;
    this.paceReading();
  }

  private finish(): void {
    this.underWay--;
    this.paceReading();
    if (this.underWay === 0) this.whenIdle?.();
  }

  /** A client that asks faster than it is served waits on its own side of the line. */
  private paceReading(): void {
    const { requestsUnderWay, messagesUntaken } = this.context.limits;
    if (this.underWay >= requestsUnderWay || this.untaken >= messagesUntaken) this.socket.pause();
    else if (this.socket.isPaused) this.socket.resume();
  }
}

function failure(error: unknown, { requestId }: RequestInfo): Outcome {
  return { success: false, ...publicError(error, requestId) };
}
