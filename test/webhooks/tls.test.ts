import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../helpers/server";
import { type Site, startSite } from "../helpers/site";

/** Receivers with TLS: one whose authority the server is told to trust, and one it is not. */
let folder: string;
let site: Site;
const receivers: { server: Server; port: number; received: string[] }[] = [];

/** A certificate for `localhost` that signs itself. */
function newCertificate(name: string): { key: string; cert: string } {
  const [key, cert] = [path.join(folder, `${name}.key`), path.join(folder, `${name}.pem`)];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const files = ["-keyout", key, "-out", cert, "-days", "2"];
  execFileSync("openssl", ["req", ...kind, ...subject, ...files], { stdio: "pipe" });
  return { key, cert };
}

async function listen(name: string): Promise<void> {
  const { key, cert } = newCertificate(name);
  const received: string[] = [];
  const server = createServer({ key: await readFile(key), cert: await readFile(cert) });
  server.on("request", (request, response) => {
    received.push(String(request.headers["webhook-id"]));
    request.resume();
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  receivers.push({ server, port: (server.address() as AddressInfo).port, received });
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "freehold-tls-"));
  await listen("trusted");
  await listen("unknown");
  const trusted = path.join(folder, "trusted.pem");
  const env = { WEBHOOK_ALLOW_PRIVATE: "true", NODE_EXTRA_CA_CERTS: trusted };
  site = await startSite({ env });
});
afterAll(async () => {
  await site.server.remove();
  for (const { server } of receivers) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  await rm(folder, { recursive: true, force: true });
});

type Attempted = { status: string; attempts: { status?: number; error?: string }[] };

async function attempted(port: number): Promise<Attempted | undefined> {
  const body = { url: `https://localhost:${port}/`, events: ["contact.created"] };
  const made = await site.request("POST", "/webhooks", { body });
  expect(made.status, made.text).toBe(201);
  const { id } = made.body.data;
  await site.request("POST", `/webhooks/${id}/test`);
  const [delivery] = await eventually(
    async () =>
      (await site.request("GET", `/webhooks/${id}/deliveries`)).body.data as unknown as Attempted[],
    ([first]) => (first?.attempts.length ?? 0) > 0,
  );
  return delivery;
}

test("an address with TLS is delivered to; one whose certificate is not trusted is a failed attempt", async () => {
  const [trusted, unknown] = receivers;
  if (!trusted || !unknown) throw new Error("No receivers");
  const [good, bad] = [await attempted(trusted.port), await attempted(unknown.port)];
  expect(good).toMatchObject({ status: "succeeded", attempts: [{ status: 204 }] });
  expect(trusted.received).toHaveLength(1);
  expect(bad).toMatchObject({ status: "pending" });
  expect(bad?.attempts[0]?.error).toMatch(/self[- ]signed certificate/);
  expect(unknown.received).toEqual([]);
});
