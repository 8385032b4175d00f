/** The app's origin: its page, and the deployment's API behind the same name, as a proxy would have them. */
import { createServer, request as ask } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

export type AppServer = { origin: string; deployedAt(siteUrl: string): void; close(): void };

const SCRIPT = fileURLToPath(new URL("./page/app.ts", import.meta.url));
const PAGE = '<!doctype html><script src="/app.js"></script>';

export async function startAppServer(): Promise<AppServer> {
  const options = { bundle: true, write: false, format: "iife", logLevel: "silent" } as const;
  const { outputFiles } = await build({ entryPoints: [SCRIPT], ...options });
  const script = outputFiles[0]?.text ?? "";
  let site = "";
  const server = createServer((request, response) => {
    const { url = "/", method, headers } = request;
    if (!url.startsWith("/api/")) {
      const isScript = url === "/app.js";
      response.setHeader("Content-Type", isScript ? "text/javascript" : "text/html");
      response.end(isScript ? script : PAGE);
      return;
    }
    const asked = ask(new URL(url, site), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    asked.on("error", () => response.destroy());
    request.pipe(asked);
  });
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    deployedAt: (siteUrl) => {
      site = siteUrl;
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
