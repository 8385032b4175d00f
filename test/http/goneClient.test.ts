/** A client that goes away in the middle of its request has failed; the server has not. */
import { request as httpRequest } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually, startServer, type TestServer } from "../helpers/server";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
}, 60_000);
afterAll(async () => server.remove());

test("a client that goes away while it sends is no error of ours", async () => {
  const { apiKey } = (await server.readJson("demo.json")) as { apiKey: string };
  const sending = httpRequest(`${server.siteUrl}/api/v1/crm/contacts`, {
    method: "POST",
    headers: {
      ...{ Authorization: `Bearer ${apiKey}`, "Content-Type": "application/json" },
      ...{ "Content-Length": 1_000, "X-Request-Id": "gone" },
    },
  });
  sending.on("error", () => undefined);
  await new Promise<void>((resolve) => {
    sending.write('{"firstName":', () => {
      resolve();
    });
  });
  // The server has the request when it answers another that came after it.
  expect((await fetch(`${server.siteUrl}/health`)).status).toBe(200);
  sending.destroy();
  const lines = await eventually(
    () => server.logs().filter((line) => line["requestId"] === "gone"),
    ({ length }) => length > 0,
  );
  expect(lines).toMatchObject([{ level: "INFO", status: 400 }]);
  expect(server.logs().filter(({ level }) => /error/i.test(String(level)))).toEqual([]);
});
