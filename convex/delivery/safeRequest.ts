"use node";

import { lookup as systemLookup, type LookupAddress } from "node:dns";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { LookupFunction, Socket } from "node:net";
import { isPublicAddress, receiverProblem } from "../kit/publicAddress";

/**
 * A POST to an address that somebody else chose. The guard sits where the connection is made: every
 * address that the name resolves to must be public, only those are connected to, and the connected
 * socket's own address is checked again before anything is sent. So neither a name that changes its
 * mind between two look-ups nor an address in disguise gets through. Redirects are not followed.
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
  /** Another resolver than the system's. */
  resolve?: Resolve;
};
export type Resolve = (
  hostname: string,
  callback: (error: Error | null, addresses: LookupAddress[]) => void,
) => void;

export type SafeAnswer = { status: number; retryAfter: string | null };

/** @throws an error whose message says, without internal detail, why there is no answer */
export async function safePost(post: SafeRequest): Promise<SafeAnswer> {
  const problem = receiverProblem(post.url, post.allowPrivate);
  if (problem !== null) throw new Error(`The address ${problem}.`);
  const timeoutMs = post.timeoutMs ?? TIMEOUT_MS;
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    return await exchange(post, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new Error(`No answer within ${timeoutMs / 1000} s.`, { cause: error });
  }
}

async function exchange(post: SafeRequest, signal: AbortSignal): Promise<SafeAnswer> {
  const { url, headers, body, allowPrivate } = post;
  const send = url.startsWith("https:") ? httpsRequest : httpRequest;
  return await new Promise((resolve, reject) => {
    const outgoing = send(url, {
      method: "POST",
      headers: { ...headers, "content-length": String(Buffer.byteLength(body)) },
      agent: false,
      signal,
      lookup: guardedLookup(allowPrivate, post.resolve ?? resolveAll),
    });
    outgoing.on("error", reject);
    outgoing.on("socket", (socket) => {
      guardSocket(socket, allowPrivate, (error) => outgoing.destroy(error));
    });
    outgoing.on("response", (incoming) => {
      readSome(incoming).then(() => {
        outgoing.destroy();
        resolve({
          status: incoming.statusCode ?? 0,
          retryAfter: incoming.headers["retry-after"] ?? null,
        });
      }, reject);
    });
    outgoing.end(body);
  });
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
  socket.once("connect", () => {
    if (allowPrivate || isPublicAddress(socket.remoteAddress ?? "")) return;
    refuse(notPublic());
  });
}

function notPublic(): Error {
  return new Error("The address must lead to a public address.");
}

/** The answer's body is of no interest: it is read so far that an honest receiver can finish it. */
async function readSome(incoming: IncomingMessage): Promise<void> {
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes >= MAX_RESPONSE_BYTES) break;
  }
}
