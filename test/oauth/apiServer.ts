/** Microsoft Graph and Gmail on this machine, as far as mail and calendars need them. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export type ApiRequest = { path: string; token: string; body: Record<string, unknown> };
export type ApiServer = {
  url: string;
  requests: ApiRequest[];
  /** What is answered next, in this order; then 202, or what `answer` says. */
  next: { status: number; body?: unknown; headers?: Record<string, string> }[];
  answer: (path: string) => unknown;
  /** It takes what comes, and closes the connection without a word. */
  hangsUp: boolean;
  close(): Promise<void>;
};

export async function startApiServer(): Promise<ApiServer> {
  const state: Omit<ApiServer, "url" | "close"> = {
    ...{ requests: [], next: [], answer: () => undefined, hangsUp: false },
  };
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => {
      const text = Buffer.concat(pieces).toString();
      const path = request.url ?? "";
      state.requests.push({
        path,
        token: request.headers.authorization ?? "",
        body: text === "" ? {} : (JSON.parse(text) as Record<string, unknown>),
      });
      if (state.hangsUp) {
        request.socket.destroy();
        return;
      }
      const { status, body, headers } = state.next.shift() ?? {
        status: 202,
        body: state.answer(path),
        headers: {},
      };
      response.writeHead(status, headers);
      response.end(body === undefined ? undefined : JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return Object.assign(state, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  });
}
