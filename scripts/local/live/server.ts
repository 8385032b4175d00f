/** Live queries over WebSocket: the endpoint, and all connections together. */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import type { Host } from "../runtime/host";
import { log } from "../runtime/log";
import { messageOf } from "../problem";
import { requestInfo } from "../server/caller";
import type { Authentication } from "./authentication";
import { Connection, GOING_AWAY, INTERNAL_ERROR } from "./connection";
import { LIVE_LIMITS, type LiveLimits } from "./limits";
import { sweepRecords } from "./requests";
import { Subscriptions } from "./subscriptions";

export type LiveOptions = {
  host: Host;
  authentication: Authentication;
  trustProxy: boolean;
  limits?: Partial<LiveLimits>;
};

/** `/api/<version>/sync`; the version is that of the client's `convex` package. */
const PATH = /^\/api\/(\d+)\.(\d+)\.(\d+)[\w.+-]*\/sync$/;
const CLOSE_WITHIN_MS = 1_000;

export class LiveServer {
  readonly subscriptions: Subscriptions;
  private readonly limits: LiveLimits;
  private readonly sockets: WebSocketServer;
  private readonly connections = new Set<Connection>();
  private readonly stopTimers: () => void;
  private closing = false;

  constructor(private readonly options: LiveOptions) {
    const { host } = options;
    this.limits = { ...LIVE_LIMITS, ...options.limits };
    this.subscriptions = new Subscriptions(host, (error) => {
      this.dropAll(error);
    });
    this.sockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: this.limits.messageBytes,
      perMessageDeflate: false,
    });
    const stopSweeping = sweepRecords(host, (error) => {
      log("error", `Expired records of live requests could not be removed: ${messageOf(error)}`);
    });
    const tick = setInterval(() => {
      const now = performance.now();
      for (const connection of this.connections) connection.tick(now);
    }, this.limits.tickMs).unref();
    this.stopTimers = () => {
      stopSweeping();
      clearInterval(tick);
    };
  }

  get size(): number {
    return this.connections.size;
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const [path = ""] = (request.url ?? "").split("?", 1);
    const version = PATH.exec(path);
    if (version === null) {
      refuse(socket, "404 Not Found");
      return;
    }
    if (this.closing || this.connections.size >= this.limits.connections) {
      refuse(socket, "503 Service Unavailable");
      return;
    }
    const [, major, minor] = version.map(Number);
    // Pieces of a transition are understood from 1.28 on.
    const takesChunks = (major ?? 0) > 1 || (minor ?? 0) >= 28;
    const { host, authentication, trustProxy } = this.options;
    const { limits, subscriptions } = this;
    const context = { host, authentication, limits, subscriptions };
    const caller = requestInfo(request, trustProxy, null);
    this.sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const connection = new Connection(webSocket, context, caller, takesChunks);
      this.connections.add(connection);
      void connection.closed.then(() => this.connections.delete(connection));
    });
  }

  /** Requests under way are answered, for at most `graceMs`; then everyone is sent away. */
  async close(graceMs: number): Promise<void> {
    this.closing = true;
    this.stopTimers();
    const all = [...this.connections];
    await within(graceMs, Promise.all(all.map((connection) => connection.drain())));
    this.subscriptions.stop();
    for (const connection of all) connection.close(GOING_AWAY, "The server is going away");
    await within(CLOSE_WITHIN_MS, Promise.all(all.map(({ closed }) => closed)));
    for (const connection of this.connections) connection.terminate();
  }

  /** Nobody's results can be brought up to date: clients connect again and ask anew. */
  private dropAll(error: unknown): void {
    if (this.closing) return;
    log("error", `Live queries could not be brought up to date: ${messageOf(error)}`);
    for (const connection of this.connections)
      connection.close(INTERNAL_ERROR, "InternalServerError");
  }
}

function refuse(socket: Duplex, status: string): void {
  socket.on("error", () => undefined);
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

/** Waits for the work, but no longer than that. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([work, late]);
  clearTimeout(timer);
}
