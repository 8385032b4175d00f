/**
 * What goes to one client, and how much of it the client has not taken yet. Transitions wait while
 * too much is under way: the next one says all that the skipped ones would have said.
 */
import type { WebSocket } from "ws";
import type { LiveLimits } from "./limits";
import { inChunks, PING } from "./protocol";

const CHUNK_CHARACTERS = 2 ** 20;

export type OutboxEvents = {
  /** What was too full has room again. */
  onRoom: () => void;
  /** The client does not take what it is sent. */
  onStalled: () => void;
};

export class Outbox {
  private sentAt = performance.now();
  /** Since when the client has taken nothing of what waits for it; null while nothing waits. */
  private stuckSince: number | null = null;
  private waitedThen = 0;
  private wasFull = false;
  private transitions = 0;

  constructor(
    private readonly socket: WebSocket,
    private readonly takesChunks: boolean,
    private readonly limits: LiveLimits,
    private readonly events: OutboxEvents,
  ) {}

  get isFull(): boolean {
    this.wasFull = this.socket.bufferedAmount > this.limits.outboxFullBytes;
    return this.wasFull;
  }

  send(message: string): void {
    if (this.socket.bufferedAmount > this.limits.outboxBytes) this.events.onStalled();
    else this.write(message);
  }

  sendTransition(message: string): void {
    if (message.length <= CHUNK_CHARACTERS || !this.takesChunks) {
      this.write(message);
      return;
    }
    const id = String(this.transitions++);
    for (const chunk of inChunks(message, CHUNK_CHARACTERS, id)) this.write(chunk);
  }

  /** To be called every few seconds. */
  tick(now: number): void {
    const waiting = this.socket.bufferedAmount;
    if (waiting === 0) this.stuckSince = null;
    else if (this.stuckSince === null || waiting < this.waitedThen) this.stuckSince = now;
    else if (now - this.stuckSince >= this.limits.stalledMs) this.events.onStalled();
    this.waitedThen = waiting;
    if (now - this.sentAt >= this.limits.pingAfterMs) this.write(PING);
  }

  private write(message: string): void {
    const { socket } = this;
    if (socket.readyState !== socket.OPEN) return;
    this.sentAt = performance.now();
    socket.send(message, () => {
      if (this.wasFull && !this.isFull) this.events.onRoom();
    });
  }
}
