import {
  createServer,
  type IncomingHttpHeaders,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";

/** What a receiver got, its signature verified by the official package. */
export type Received = {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  at: number;
  message: Message;
};
export type Message = {
  id: string;
  type: string;
  createdAt: number;
  organizationId: string;
  data: Record<string, unknown>;
  previous?: Record<string, unknown>;
  traceId: string;
};
type Behaviour = (received: Received, response: ServerResponse) => void;

/** A receiver of webhooks on loopback. By default it answers 204; each path can behave otherwise. */
export class Receiver {
  readonly received: Received[] = [];
  private readonly behaviours = new Map<string, Behaviour>();

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async listen(): Promise<Receiver> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const receiver = new Receiver(server, `http://127.0.0.1:${port}`);
    server.on("request", (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const body = Buffer.concat(chunks).toString("utf8");
        const path = request.url ?? "/";
        const { headers } = request;
        const message = JSON.parse(body) as Message;
        const received = { path, headers, body, at: Date.now(), message };
        receiver.received.push(received);
        const behave = receiver.behaviours.get(path);
        if (behave) behave(received, response);
        else response.writeHead(204).end();
      });
    });
    return receiver;
  }

  on(path: string, behaviour: Behaviour): void {
    this.behaviours.set(path, behaviour);
  }

  at(path: string): Received[] {
    return this.received.filter((request) => request.path === path);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** @throws unless the secret signed it, within five minutes */
export function verify(secret: string, { headers, body }: Received): void {
  new Webhook(secret).verify(body, headers as Record<string, string>);
}

export function isSignedBy(secret: string, received: Received): boolean {
  try {
    verify(secret, received);
    return true;
  } catch {
    return false;
  }
}
