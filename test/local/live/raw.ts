/** A client that speaks the sync protocol by hand, to say what the official one never would. */
import { randomUUID } from "node:crypto";
import WebSocket from "ws";
import { eventually } from "../../helpers/server";

export type ServerMessage = { type: string } & Record<string, unknown>;

export class RawClient {
  readonly socket: WebSocket;
  readonly received: ServerMessage[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  isClosed = false;

  private constructor(
    url: string,
    readonly sessionId: string,
  ) {
    this.socket = new WebSocket(url);
    this.socket.on("message", (data: Buffer) => {
      this.received.push(JSON.parse(data.toString()) as ServerMessage);
    });
    this.socket.on("error", () => undefined);
    this.closed = new Promise((resolve) => {
      this.socket.on("close", (code, reason) => {
        this.isClosed = true;
        resolve({ code, reason: reason.toString() });
      });
    });
  }

  static async open(
    cloudUrl: string,
    options: { version?: string; sessionId?: string; connect?: boolean } = {},
  ): Promise<RawClient> {
    const { version = "1.48.0", sessionId = randomUUID(), connect = true } = options;
    const url = `${cloudUrl.replace("http", "ws")}/api/${version}/sync`;
    const client = new RawClient(url, sessionId);
    await eventually(
      () => client.socket.readyState,
      (state) => state === WebSocket.OPEN || client.isClosed,
    );
    if (connect)
      client.send({ type: "Connect", sessionId, connectionCount: 0, lastCloseReason: null });
    return client;
  }

  send(message: unknown): void {
    this.socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  subscribe(udfPath: string, args: object, queryId = 0, more: object = {}): void {
    this.send({
      type: "ModifyQuerySet",
      baseVersion: queryId,
      newVersion: queryId + 1,
      modifications: [{ type: "Add", queryId, udfPath, args: [args], ...more }],
    });
  }

  mutate(requestId: number, udfPath: string, args: object): void {
    this.send({ type: "Mutation", requestId, udfPath, args: [args] });
  }

  /** The first message that is like it, now or later. */
  async next(holds: (message: ServerMessage) => boolean): Promise<ServerMessage> {
    const found = await eventually(
      () => this.received.find(holds),
      (message) => message !== undefined,
    );
    return found as ServerMessage;
  }

  async answerTo(requestId: number): Promise<ServerMessage> {
    return await this.next((message) => message["requestId"] === requestId);
  }

  async close(): Promise<void> {
    this.socket.terminate();
    await this.closed;
  }
}
