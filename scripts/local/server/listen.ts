/** An HTTP server that says clearly why it cannot start, and that ends without cutting anyone off. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { codeOf, messageOf, Problem } from "../problem";
import { isHost } from "./caller";
import { sendRefusal } from "./reply";
import type { Shares } from "./shares";

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;
/** Takes over the connection of a request that asks for another protocol than HTTP. */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

export type ListeningServer = {
  port: number;
  url: string;
  /** From now on requests are handled; those that came before have waited. */
  serve(handler: Handler): void;
  /** Without this, such requests are handled like any other. */
  serveUpgrades(handler: UpgradeHandler): void;
  /** No new connections; answers under way are finished, for at most `graceMs`. */
  close(graceMs: number): Promise<void>;
};

/** Longer than the 60 s for which common proxies keep a connection, so that they close it first. */
const KEEP_ALIVE_MS = 65_000;
const HEADERS_MS = 20_000;
const REQUEST_MS = 300_000;

export async function listen(
  host: string,
  port: number,
  flag: string,
  shares: Shares,
): Promise<ListeningServer> {
  let closing = false;
  let handler: Handler | null = null;
  const early: [IncomingMessage, ServerResponse][] = [];
  const server = createServer(
    { keepAliveTimeout: KEEP_ALIVE_MS, headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS },
    (request, response) => {
      if (closing) response.setHeader("Connection", "close");
      if (!shares.admits(request, response)) return;
      const problem = hostProblem(request);
      if (problem !== null) {
        response.setHeader("Connection", "close");
        sendRefusal(response, 400, "BadRequest", problem);
      } else if (handler === null) early.push([request, response]);
      else handler(request, response);
    },
  );
  server.on("connection", (socket) => {
    shares.connected(socket);
  });
  await bind(server, host, port, flag);
  const { port: actual } = server.address() as AddressInfo;
  return {
    port: actual,
    url: `http://${urlHost(host)}:${actual}`,
    serve: (next) => {
      handler = next;
      for (const [request, response] of early.splice(0)) next(request, response);
    },
    serveUpgrades: (take) => {
      server.on("upgrade", (request: IncomingMessage, socket, head) => {
        if (!shares.admitsUpgrade(request, socket)) return;
        if (hostProblem(request) === null) {
          take(request, socket, head);
          return;
        }
        socket.on("error", () => undefined);
        socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
      });
    },
    close: (graceMs) => {
      closing = true;
      return end(server, graceMs);
    },
  };
}

const TWO_HOSTS = "A request has one Host header";
const NO_HOST = "The Host header is a name or an address, with a port or without";

/** RFC 9112, section 3.2: whom it is for would be anybody's guess. */
function hostProblem({ rawHeaders, headers }: IncomingMessage): string | null {
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.length === 4 && rawHeaders[i]?.toLowerCase() === "host") hosts++;
  }
  if (hosts > 1) return TWO_HOSTS;
  const { host = "" } = headers;
  return host === "" || isHost(host) ? null : NO_HOST;
}

/** An address that a client on this machine can call. */
function urlHost(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}

function bind(server: Server, host: string, port: number, flag: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      reject(new Problem(bindProblem(error, host, port, flag)));
    });
    server.listen(port, host, () => {
      server.removeAllListeners("error");
      // Later errors (a connection that could not be accepted) end nothing.
      server.on("error", () => undefined);
      resolve();
    });
  });
}

function bindProblem(error: Error, host: string, port: number, flag: string): string {
  switch (codeOf(error)) {
    case "EADDRINUSE":
      return `port ${port} is in use on ${host}; stop what uses it, or choose another with --${flag} (0 picks a free one)`;
    case "EACCES":
      return `no permission to listen on port ${port}; choose one above 1023 with --${flag}`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return `this machine has no address ${host}; choose another with --host`;
    default:
      return `cannot listen on ${host}:${port}: ${messageOf(error)}`;
  }
}

function end(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    // A connection that was busy at the start becomes idle later, and keep-alive would hold it.
    const sweep = setInterval(() => {
      server.closeIdleConnections();
    }, 50);
    const deadline = setTimeout(() => {
      server.closeAllConnections();
    }, graceMs);
    server.close(() => {
      clearInterval(sweep);
      clearTimeout(deadline);
      resolve();
    });
    server.closeIdleConnections();
  });
}
