/** Bodies of strangers at the Convex client API: refused before they are read, let alone parsed. */
import { type ClientRequest, request as httpRequest } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  jsonProblem,
  MAX_JSON_DEPTH,
  MAX_JSON_VALUES,
} from "../../../scripts/local/server/jsonShape";
import { startServer, type TestServer } from "../../helpers/server";
import { FUNCTIONS } from "./fixture";

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ functions: FUNCTIONS, flags: ["--no-demo"] });
}, 60_000);
afterAll(async () => server.remove());

type Refusal = { status: number; message: string };

/** Sends headers and the beginning of a body, never its end, and answers what comes back. */
async function answerTo(headers: Record<string, string | number>, begin: string): Promise<Refusal> {
  let sending: ClientRequest | undefined;
  try {
    return await new Promise((resolve, reject) => {
      const url = `${server.cloudUrl}/api/query`;
      sending = httpRequest(url, { method: "POST", headers }, (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => (text += chunk.toString()));
        response.on("end", () => {
          const { message } = JSON.parse(text) as { message: string };
          resolve({ status: response.statusCode ?? 0, message });
        });
      });
      sending.on("error", reject);
      sending.write(begin);
    });
  } finally {
    sending?.destroy();
  }
}

const JSON_TYPE = { "Content-Type": "application/json" };

describe("while its body is still being sent", () => {
  test("a request that announces more than a call may have is refused", async () => {
    const headers = { ...JSON_TYPE, "Content-Length": 15 * 2 ** 20 };
    const { status, message } = await answerTo(headers, "[");
    expect(status).toBe(413);
    expect(message).toContain("--max-args-mib");
  });

  test("one that announces nothing is refused when it has sent more", async () => {
    expect((await answerTo(JSON_TYPE, "[{},".repeat(300_000))).status).toBe(413);
  });

  test.each(["text/plain", "application/x-www-form-urlencoded"])("%s is refused", async (type) => {
    const headers = { "Content-Type": type, "Content-Length": 1_000 };
    const { status, message } = await answerTo(headers, "{");
    expect([status, message]).toEqual([415, "Send the body as Content-Type: application/json"]);
  });
});

test.each([
  ["values", `[${"{},".repeat(MAX_JSON_VALUES / 2)}{}]`],
  ["levels", "[".repeat(MAX_JSON_DEPTH + 1) + "]".repeat(MAX_JSON_DEPTH + 1)],
])("a body of too many %s is refused unparsed", async (_, text) => {
  const body = `{"path":"notes:list","args":{"author":${text}}}`;
  const response = await fetch(`${server.cloudUrl}/api/query`, {
    ...{ method: "POST", headers: JSON_TYPE, body },
  });
  expect(response.status).toBe(400);
  expect(await response.text()).toMatch(/more than \d+ (values|levels)/);
});

test("what stands in strings is not counted", () => {
  const text = JSON.stringify([`"\\${"[,{".repeat(MAX_JSON_VALUES)}`, "\\"]);
  expect(jsonProblem(Buffer.from(text))).toBeNull();
  expect(jsonProblem(Buffer.from(`${text}${"[".repeat(MAX_JSON_DEPTH + 1)}`))).not.toBeNull();
});
