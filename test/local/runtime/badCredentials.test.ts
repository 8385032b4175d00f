/** Who tries credentials at the client API is counted by address. */
import { request as httpRequest } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../../helpers/server";
import { FUNCTIONS } from "./fixture";

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ functions: FUNCTIONS, flags: ["--no-demo"] });
}, 90_000);
afterAll(async () => {
  await server.remove();
});

type Answer = { status: number; retryAfter: number | null };

function query(authorization: string | null, localAddress = "127.0.0.1"): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = {
      "Content-Type": "application/json",
      ...(authorization === null ? {} : { Authorization: authorization }),
    };
    const options = { method: "POST", agent: false, localAddress, headers };
    httpRequest(`${server.cloudUrl}/api/query`, options, (response) => {
      response.resume();
      const retryAfter = response.headers["retry-after"];
      resolve({
        status: response.statusCode ?? 0,
        retryAfter: retryAfter === undefined ? null : Number(retryAfter),
      });
    })
      .on("error", reject)
      .end(JSON.stringify({ path: "notes:list", args: {} }));
  });
}

test("after a hundred bad credentials within a minute an address is not heard with any", async () => {
  const tries = await Promise.all(
    Array.from({ length: 100 }, (_, i) =>
      query(i % 2 === 0 ? "Convex no|key" : "Bearer no.such.jwt"),
    ),
  );
  expect(new Set(tries.map(({ status }) => status))).toEqual(new Set([401]));

  const refused = await query("Convex no|key");
  expect(refused.status).toBe(429);
  expect(refused.retryAfter).toBeGreaterThan(0);
  expect(refused.retryAfter).toBeLessThanOrEqual(60);

  expect((await query(null)).status).not.toBe(429);
  expect((await query("Convex no|key", "127.0.0.2")).status).not.toBe(429);
});
