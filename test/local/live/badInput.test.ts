/** What no official client would send: an error to that client alone, the rest undisturbed. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { startServer, type TestServer } from "../../helpers/server";
import { FUNCTIONS, type Heard, LiveClient } from "./client";
import { RawClient } from "./raw";

let server: TestServer;
/** Looks on while others misbehave. */
let bystander: LiveClient;
let heard: Heard<string[]>;
let drops = 0;

beforeAll(async () => {
  server = await startServer({ functions: FUNCTIONS, flags: ["--no-demo"] });
  bystander = new LiveClient(server.cloudUrl);
  bystander.convex.subscribeToConnectionState(({ connectionRetries }) => {
    drops = Math.max(drops, connectionRetries);
  });
  heard = bystander.subscribe("items:list", { list: "bystander" });
});
afterAll(async () => {
  await bystander.close();
  await server.remove();
});

const add = { type: "Add", queryId: 0, udfPath: "other:greeting", args: [{}] };
const modify = { type: "ModifyQuerySet", baseVersion: 0, newVersion: 1, modifications: [] };

describe("a client is told what is wrong, and let go, when it sends", () => {
  test.each<[string, unknown, string]>([
    ["no JSON", "{", "not JSON"],
    ["JSON that is no object", "7", "not one of the sync protocol"],
    ["an unknown type", { type: "Subscribe" }, "not one of the sync protocol at type"],
    [
      "a second Connect",
      {
        type: "Connect",
        sessionId: crypto.randomUUID(),
        connectionCount: 1,
        lastCloseReason: null,
      },
      "only once",
    ],
    [
      "a query set out of order",
      { ...modify, baseVersion: 4, newVersion: 5 },
      "at version 0, not at 4",
    ],
    ["a query set that skips a version", { ...modify, newVersion: 2 }, "version 0"],
    ["the same query twice", { ...modify, modifications: [add, add] }, "exists already"],
    [
      "the removal of an unknown query",
      { ...modify, modifications: [{ type: "Remove", queryId: 9 }] },
      "no query 9",
    ],
    ["a query id that is none", { ...modify, modifications: [{ ...add, queryId: -1 }] }, "queryId"],
    [
      "arguments that are no object",
      { ...modify, modifications: [{ ...add, args: [[1]] }] },
      "args",
    ],
    [
      "a component",
      { ...modify, modifications: [{ ...add, componentPath: "other" }] },
      "componentPath",
    ],
    [
      "an identity out of order",
      { type: "Authenticate", tokenType: "None", baseVersion: 3 },
      "at version 0, not at 3",
    ],
    ["a request without a function", { type: "Mutation", requestId: 0, args: [{}] }, "udfPath"],
  ])("%s", async (_what, message, why) => {
    const client = await RawClient.open(server.cloudUrl);
    client.send(message);
    const fatal = await client.next(({ type }) => type === "FatalError");
    expect(fatal["error"]).toContain(why);
    expect((await client.closed).code).toBe(1008);
  });

  test("anything before Connect", async () => {
    const client = await RawClient.open(server.cloudUrl, { connect: false });
    client.send(modify);
    const fatal = await client.next(({ type }) => type === "FatalError");
    expect(fatal["error"]).toContain("first message must be Connect");
    await client.closed;
  });

  test("bytes instead of text", async () => {
    const client = await RawClient.open(server.cloudUrl);
    client.socket.send(Buffer.from([1, 2, 3]));
    await client.next(({ type }) => type === "FatalError");
    await client.closed;
  });

  test("a message over the limit, which is not read", async () => {
    const client = await RawClient.open(server.cloudUrl);
    client.send(" ".repeat(33 * 2 ** 20));
    expect((await client.closed).code).toBe(1009);
  });
});

test("frames that break RFC 6455 end their connection alone", async () => {
  const client = await RawClient.open(server.cloudUrl);
  const { _socket: socket } = client.socket as unknown as { _socket: NodeJS.WritableStream };
  // A reserved bit, unmasked, with a length that never comes.
  socket.write(Buffer.from([0xf1, 0x7f, 0xff, 0xff]));
  await client.closed;
});

test.each(["/api/sync", "/api/1.48.0/other", "/", "/api/1.48.0/sync/x", "/api/one/sync"])(
  "a WebSocket at %s is refused",
  async (path) => {
    const socket = new WebSocket(server.cloudUrl.replace("http", "ws") + path);
    const error = await new Promise<Error>((resolve) => socket.on("error", resolve));
    expect(error.message).toContain("404");
  },
);

test("arguments that fail validation fail their query, mutation or action alone", async () => {
  const client = await RawClient.open(server.cloudUrl);
  client.subscribe("items:list", { list: 7 });
  const { modifications } = await client.next(({ type }) => type === "Transition");
  expect(modifications).toMatchObject([
    {
      type: "QueryFailed",
      errorMessage: expect.stringContaining("ArgumentValidationError") as string,
    },
  ]);
  client.mutate(0, "items:add", { list: 7 });
  expect(await client.answerTo(0)).toMatchObject({ type: "MutationResponse", success: false });
  client.send({ type: "Action", requestId: 1, udfPath: "other:shout", args: [{}] });
  expect(await client.answerTo(1)).toMatchObject({ type: "ActionResponse", success: false });
  client.mutate(2, "items:nothing", {});
  expect(await client.answerTo(2)).toMatchObject({ success: true, result: "nothing written" });
  await client.close();
});

test("a journal that is none is as good as no journal, and a forged one fails its query alone", async () => {
  const client = await RawClient.open(server.cloudUrl);
  const page = { list: "journal", paginationOpts: { numItems: 2, cursor: null } };
  client.subscribe("items:page", page, 0, { journal: "{" });
  client.subscribe("items:page", page, 1, { journal: '{"endCursor":"Zm9yZ2Vk"}' });
  const updated = await client.next(
    ({ type, modifications }) =>
      type === "Transition" && JSON.stringify(modifications).includes("InvalidCursor"),
  );
  expect(updated["modifications"]).toContainEqual(
    expect.objectContaining({
      type: "QueryFailed",
      queryId: 1,
      errorData: { isConvexSystemError: true, paginationError: "InvalidCursor" },
    }),
  );
  const all = client.received.flatMap(({ modifications }) => (modifications ?? []) as unknown[]);
  expect(all).toContainEqual(expect.objectContaining({ type: "QueryUpdated", queryId: 0 }));
  await client.close();
});

test("a wrong admin key and a forged token are refused with an AuthError", async () => {
  for (const message of [
    { tokenType: "Admin", value: "local-freehold|wrong" },
    { tokenType: "User", value: "not.a.token" },
  ]) {
    const client = await RawClient.open(server.cloudUrl);
    client.send({ type: "Authenticate", baseVersion: 0, ...message });
    expect(await client.next(({ type }) => type === "AuthError")).toMatchObject({
      baseVersion: 0,
      authUpdateAttempted: true,
    });
    await client.closed;
  }
});

test("with the admin key, internal functions are to be had", async () => {
  const { readFile } = await import("node:fs/promises");
  const key = (await readFile(`${server.data}/admin.key`, "utf8")).trim();
  const client = await RawClient.open(server.cloudUrl);
  client.send({ type: "Authenticate", tokenType: "Admin", value: key, baseVersion: 0 });
  client.subscribe("other:secret", {});
  const transition = await client.next(({ modifications }) =>
    JSON.stringify(modifications ?? []).includes("for admins"),
  );
  expect(transition["endVersion"]).toMatchObject({ identity: 1, querySet: 1 });
  await client.close();
});

test("the bystander was never cut off", async () => {
  await bystander.mutation("items:add", { list: "bystander", n: 1, text: "still here" });
  await heard.until((texts) => texts.length === 1);
  expect(drops).toBe(0);
});

test.each(["query", "mutation", "action"] as const)(
  "the deployment's own functions are not there for clients without its key: %s",
  async (kind) => {
    const client = await RawClient.open(server.cloudUrl);
    const udfPath = "_system/cli/queryEnvironmentVariables";
    if (kind === "query") {
      client.subscribe(udfPath, {});
      const { modifications } = await client.next(({ type }) => type === "Transition");
      expect(modifications).toMatchObject([
        {
          type: "QueryFailed",
          errorMessage: expect.stringContaining("Could not find public function") as string,
        },
      ]);
    } else {
      const type = kind === "mutation" ? "Mutation" : "Action";
      client.send({ type, requestId: 0, udfPath, args: [{}] });
      expect(await client.answerTo(0)).toMatchObject({
        success: false,
        result: expect.stringContaining("Could not find public function") as string,
      });
    }
    await client.close();
  },
);
