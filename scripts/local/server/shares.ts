/** How much of the server one address may take, so that there is room for the others. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { isIPv6, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { addressOf } from "./caller";

export type SharesOptions = {
  /** Connections of one address; behind a trusted proxy, requests under way and WebSockets of one client. */
  perAddress: number;
  trustProxy: boolean;
};

/** When who was refused is to try again, in seconds. */
const RETRY_AFTER = 1;
/** So long a client gets to read its refusal. */
const LINGER_MS = 1_000;

/** Counted over all ports that it is given to. */
export class Shares {
  private readonly taken = new Map<string, number>();
  private readonly refused = new WeakSet<Duplex>();

  constructor(private readonly options: SharesOptions) {}

  /** A connection is its address's, unless that is a proxy's. */
  connected(socket: Socket): void {
    if (this.options.trustProxy) return;
    const release = this.take(socket.remoteAddress ?? "");
    if (release !== null) socket.once("close", release);
    else this.refuse(socket);
  }

  /** Whether a request may go on; else it has been answered. */
  admits(request: IncomingMessage, response: ServerResponse): boolean {
    const { socket } = request;
    if (this.refused.has(socket)) return false;
    const release = this.takeProxied(request);
    if (release !== null) {
      response.once("close", release);
      return true;
    }
    const body = Buffer.from(this.body());
    response.writeHead(429, {
      "Content-Type": "application/json",
      "Content-Length": body.length,
      "Retry-After": RETRY_AFTER,
      Connection: "close",
    });
    response.end(body);
    return false;
  }

  /** The same for a request that asks for another protocol, and so has no response. */
  admitsUpgrade(request: IncomingMessage, socket: Duplex): boolean {
    if (this.refused.has(socket)) return false;
    const release = this.takeProxied(request);
    if (release !== null) socket.once("close", release);
    else this.refuse(socket);
    return release !== null;
  }

  private takeProxied(request: IncomingMessage): (() => void) | null {
    if (!this.options.trustProxy) return () => undefined;
    return this.take(addressOf(request, true) ?? "");
  }

  /** What gives the place back; null if the address has none left. */
  private take(address: string): (() => void) | null {
    const name = holderOf(address);
    const taken = this.taken.get(name) ?? 0;
    if (taken >= this.options.perAddress) return null;
    this.taken.set(name, taken + 1);
    return () => {
      const left = (this.taken.get(name) ?? 1) - 1;
      if (left > 0) this.taken.set(name, left);
      else this.taken.delete(name);
    };
  }

  /** Answers whatever is being asked, and waits for nothing. */
  private refuse(socket: Duplex): void {
    this.refused.add(socket);
    const body = this.body();
    const head = [
      "HTTP/1.1 429 Too Many Requests",
      "Content-Type: application/json",
      `Content-Length: ${Buffer.byteLength(body)}`,
      `Retry-After: ${RETRY_AFTER}`,
      "Connection: close",
    ];
    socket.on("error", () => undefined);
    socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
    const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
    socket.once("close", () => {
      clearTimeout(timer);
    });
  }

  private body(): string {
    const { perAddress } = this.options;
    const message = `This address has ${perAddress} connections open, as many as one may have; the operator can allow more with --connections-per-address`;
    return JSON.stringify({ code: "TooManyConnections", message });
  }
}

/** An IPv6 address stands for its /64: whoever has one has all of it. */
export function holderOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [before = "", after = ""] = address.split("::");
  const head = before.split(":").filter(Boolean);
  const tail = after.split(":").filter(Boolean);
  if (tail.at(-1)?.includes(".") === true) return address;
  const zeros = Array<string>(Math.max(0, 8 - head.length - tail.length)).fill("0");
  const groups = address.includes("::") ? [...head, ...zeros, ...tail] : head;
  return groups.slice(0, 4).join(":");
}
