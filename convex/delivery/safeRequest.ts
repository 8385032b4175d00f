"use node";

import { lookup as systemLookup, type LookupAddress } from "node:dns";
import {
  Agent as HttpAgent,
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
} from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { LookupFunction, Socket } from "node:net";
import { isPublicAddress, receiverProblem } from "../kit/publicAddress";

/**
 * A POST to an address that somebody else chose. The guard sits where the connection is made: every
 * address that the name resolves to must be public, only those are connected to, and the connected
 * socket's own address is checked again before anything is sent. So neither a name that changes its
 * mind between two look-ups nor an address in disguise gets through. Redirects are not followed.
 *
 * With a pool, a connection whose answer has come whole is kept for the next request to the same host
 * and port: it leads where it was found to lead, and is looked at again.
 */
export const TIMEOUT_MS = 10_000;
const MAX_RESPONSE_BYTES = 64 * 1024;

export type SafeRequest = {
  url: string;
  headers: Record<string, string>;
  body: string;
  /** Also http, and addresses that are not public. */
  allowPrivate: boolean;
  timeoutMs?: number;
  /** Whose connections may be used again; without one, each request has its own. */
  pool?: ConnectionPool;
  /** Another resolver than the system's. */
  resolve?: Resolve;
};
export type Resolve = (
  hostname: string,
  callback: (error: Error | null, addresses: LookupAddress[]) => void,
) => void;

/** Shorter than the five seconds after which most servers close a connection that is idle. */
const IDLE_MS = 4_000;
const IDLE_PER_HOST = 4;
/** Over all hosts: a descriptor each, which others need too. */
const IDLE_AT_MOST = 64;

/** Connections that stay open between requests, of one run of whoever sends. */
export class ConnectionPool {
  private readonly options = {
    keepAlive: true,
    timeout: IDLE_MS,
    maxFreeSockets: IDLE_PER_HOST,
  };
  private readonly http = new HttpAgent(this.options);
  private readonly https = new HttpsAgent(this.options);

  agentFor(url: string): HttpAgent {
    const agent = url.startsWith("https:") ? this.https : this.http;
    // With as many idle ones as there may be, those that become free are closed.
    agent.maxFreeSockets = this.idle < IDLE_AT_MOST ? IDLE_PER_HOST : 0;
    return agent;
  }

  close(): void {
    this.http.destroy();
    this.https.destroy();
  }

  private get idle(): number {
    const all = [this.http, this.https].flatMap(({ freeSockets }) => Object.values(freeSockets));
    return all.reduce((count, sockets) => count + (sockets?.length ?? 0), 0);
  }
}

export type SafeAnswer = { status: number; retryAfter: string | null };

/** @throws an error whose message says, without internal detail, why there is no answer */
export async function safePost(post: SafeRequest): Promise<SafeAnswer> {
  const problem = receiverProblem(post.url, post.allowPrivate);
  if (problem !== null) throw new Error(`The address ${problem}.`);
  const timeoutMs = post.timeoutMs ?? TIMEOUT_MS;
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    return await exchange(post, signal).catch(async (error: unknown) => {
      if (!(error instanceof Stale) || signal.aborted) throw error;
      return await exchange({ ...post, pool: undefined }, signal);
    });
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new Error(`No answer within ${timeoutMs / 1000} s.`, { cause: error });
  }
}

/**
 * A kept connection was closed at the other end before anything of an answer had come: almost always
 * while it was idle. The request is made once more on a new one, within the same attempt; should it
 * have arrived after all, its receiver knows it by its id, as after any attempt that was cut off.
 */
class Stale extends Error {}

async function exchange(
  post: Omit<SafeRequest, "pool"> & { pool?: ConnectionPool | undefined },
  signal: AbortSignal,
): Promise<SafeAnswer> {
  const { url, headers, body, allowPrivate, pool } = post;
  const send = url.startsWith("https:") ? httpsRequest : httpRequest;
  return await new Promise((resolve, reject) => {
    const outgoing = send(url, {
      method: "POST",
      headers: { ...headers, "content-length": String(Buffer.byteLength(body)) },
      agent: pool?.agentFor(url) ?? false,
      signal,
      lookup: guardedLookup(allowPrivate, post.resolve ?? resolveAll),
    });
    outgoing.on("error", (error) => {
      reject(isStale(outgoing, error) ? new Stale("The connection was closed.") : error);
    });
    outgoing.on("socket", (socket) => {
      guardSocket(socket, allowPrivate, (error) => outgoing.destroy(error));
    });
    outgoing.on("response", (incoming) => {
      readSome(incoming).then(() => {
        if (!pool) outgoing.destroy();
        resolve({
          status: incoming.statusCode ?? 0,
          retryAfter: incoming.headers["retry-after"] ?? null,
        });
      }, reject);
    });
    outgoing.end(body);
  });
}

function isStale(outgoing: ClientRequest, error: Error): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return outgoing.reusedSocket && (code === "ECONNRESET" || code === "EPIPE");
}

const resolveAll: Resolve = (hostname, callback) => {
  systemLookup(hostname, { all: true }, callback);
};

/** Resolves a name to its public addresses; one that has any other has none. */
export function guardedLookup(allowPrivate: boolean, resolve: Resolve): LookupFunction {
  return (hostname, { all }, callback) => {
    resolve(hostname, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error || !first) callback(error ?? new Error("The name has no address."), "");
      else if (!allowPrivate && !addresses.every(({ address }) => isPublicAddress(address))) {
        callback(notPublic(), "");
      } else if (all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

/** For an address that was given as such, which no look-up sees, and against all that was overlooked. */
function guardSocket(socket: Socket, allowPrivate: boolean, refuse: (error: Error) => void): void {
  const check = (): void => {
    if (allowPrivate || isPublicAddress(socket.remoteAddress ?? "")) return;
    refuse(notPublic());
  };
  if (socket.connecting) socket.once("connect", check);
  else check();
}

function notPublic(): Error {
  return new Error("The address must lead to a public address.");
}

/**
 * The answer's body is of no interest: it is read so far that an honest receiver can finish it. One
 * that is longer ends with its connection, which is then not used again.
 */
async function readSome(incoming: IncomingMessage): Promise<void> {
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes >= MAX_RESPONSE_BYTES) break;
  }
}
