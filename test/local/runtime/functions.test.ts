import { ConvexError } from "convex/values";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, startServer, type TestServer } from "../../helpers/server";
import { adminKeyOf, type Client, clientOf, FUNCTIONS, rejectionOf } from "./fixture";

let server: TestServer;
let client: Client;

beforeAll(async () => {
  server = await startServer({
    functions: FUNCTIONS,
    flags: ["--no-demo"],
    env: { FIXTURE_VALUE: "from the process" },
  });
  client = clientOf(server.cloudUrl);
}, 60_000);
afterAll(async () => server.remove());

/** A log line comes by another way than the answer, and maybe after it. */
async function logged(text: string): Promise<void> {
  await eventually(
    () => server.stdout(),
    (printed) => printed.includes(text),
  );
}

describe("calls", () => {
  test("a query sees what a mutation has written", async () => {
    const id = await client.mutation("notes:add", { author: "ann", text: "hello" });
    expect(await client.query("notes:list", { author: "ann" })).toMatchObject([
      { _id: id, text: "hello" },
    ]);
  });

  test("values of every kind come back as they went", async () => {
    const value = {
      integer: 2n ** 62n,
      negativeZero: -0,
      notANumber: NaN,
      infinity: Infinity,
      bytes: new Uint8Array([1, 2, 255]).buffer,
      nested: [null, true, "żółć 日本", { "": 1 }].slice(0, 3),
    };
    expect(await client.query("notes:echo", { value })).toEqual(value);
  });

  test("an action runs queries and mutations, each in a transaction of its own", async () => {
    expect(await client.action("actions:addTwo", { author: "two" })).toBe(2);
  });

  test('a "use node" action has Node\'s modules and the environment', async () => {
    expect(await client.action("nodeActions:hash", { text: "x" })).toBe(
      "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881:0:from the process",
    );
  });

  test("a function handle calls the function it was made for", async () => {
    expect(await client.action("actions:byHandle", { author: "two" })).toBe(2);
  });

  test("request metadata is handed down from an action to its mutations", async () => {
    const result = (await client.action("actions:metadataOf")) as Record<
      "action" | "mutation",
      { requestId: string; ip: string }
    >;
    expect(result.action.requestId).toMatch(/^[0-9a-f]{16}$/);
    expect(result.action).toMatchObject({ ip: "127.0.0.1", scheduledFunctionId: null });
    expect(result.mutation).toEqual(result.action);
    expect(result).toMatchObject({
      function: { name: "actions:metadataOf", type: "action", visibility: "public" },
      identity: null,
    });
  });

  test("a transaction reports what it has used", async () => {
    expect(await client.query("notes:metrics")).toMatchObject({
      documentsRead: { used: 1, remaining: 31_999 },
      databaseQueries: { used: 1 },
    });
  });
});

describe("errors", () => {
  test("ConvexError data crosses mutation, action and HTTP intact", async () => {
    const data = { code: "taken", at: [1n, null, { deep: -0 }] };
    const fromMutation = await rejectionOf(client.mutation("notes:fail", { data }));
    expect(fromMutation).toBeInstanceOf(ConvexError);
    expect(fromMutation.data).toEqual(data);
    const fromAction = await rejectionOf(client.action("actions:passOn", { data }));
    expect(fromAction.data).toEqual({ passedOn: data });
  });

  test("ConvexError data that is a string stays one, also where it looks like JSON", async () => {
    const error = await rejectionOf(client.mutation("notes:fail", { data: '{"a":1}' }));
    expect(error.data).toBe('{"a":1}');
  });

  test("a mutation that throws writes nothing", async () => {
    expect(await client.query("notes:list", { author: "fail" })).toEqual([]);
  });

  test("a client learns nothing of an uncaught error, the log all of it, by source line", async () => {
    const error = await rejectionOf(client.mutation("notes:crash"));
    expect(error.message).toMatch(/^\[Request ID: [0-9a-f]{16}\] Server Error$/);
    const requestId = /[0-9a-f]{16}/.exec(error.message)?.[0];
    await logged(requestId ?? "");
    const line = server.logs().find((entry) => entry["requestId"] === requestId);
    expect(line).toMatchObject({
      level: "error",
      function: "notes:crash",
      message: "Uncaught Error: the secret reason",
    });
    expect(line?.["stack"]).toMatch(/fixture\/convex\/notes\.ts:\d+:\d+/);
  });

  test.each([
    ["a wrong type", { author: 1, text: "x" }, "Path: .author"],
    ["a missing field", { author: "x" }, "Object is missing the required field `text`"],
    ["an unknown field", { author: "x", text: "x", no: 1 }, "extra field `no`"],
  ])("arguments with %s are refused with ArgumentValidationError", async (_what, args, text) => {
    const error = await rejectionOf(client.mutation("notes:add", args));
    expect(error.message).toContain("ArgumentValidationError: ");
    expect(error.message).toContain(text);
  });

  test("an id of another table is refused as an argument", async () => {
    const id = await client.mutation("notes:schedule", { source: "other table", inMs: 1e9 });
    const error = await rejectionOf(client.query("notes:get", { id: id as string }));
    expect(error.message).toContain("ArgumentValidationError");
  });

  test("a result that does not match is refused, in the log with ReturnsValidationError", async () => {
    const error = await rejectionOf(client.query("notes:wrongReturn"));
    expect(error.message).toMatch(/Server Error$/);
    await logged("ReturnsValidationError: ");
  });

  test("internal, unknown and wrongly called functions are refused", async () => {
    for (const name of ["notes:secret", "notes:nothing", "nowhere:nothing"]) {
      const error = await rejectionOf(client.query(name));
      expect(error.message).toContain(`Could not find public function for '${name}'`);
    }
    const error = await rejectionOf(client.query("notes:add", { author: "a", text: "b" }));
    expect(error.message).toContain(
      "Trying to execute notes:add as Query, but it is defined as Mutation",
    );
  });

  test("the admin key runs internal functions, another key is refused", async () => {
    const admin = clientOf(server.cloudUrl, adminKeyOf(server.data));
    expect(await admin.query("notes:secret")).toBe("for admins");
    await expect(clientOf(server.cloudUrl, "local|wrong").query("notes:secret")).rejects.toThrow(
      "BadAdminKey",
    );
  });

  test("what is not there yet says so", async () => {
    await rejectionOf(client.action("actions:searchVectors"));
    await logged("Vector search is not available in this deployment yet");
  });

  test("a client has no commit timestamp to give", async () => {
    const args = { value: [{ $commitTs: null }] };
    for (const [kind, name] of [
      ["query", "notes:echo"],
      ["mutation", "notes:fail"],
    ]) {
      const response = await fetch(`${server.cloudUrl}/api/${kind}`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ path: name, args: name === "notes:fail" ? { data: args } : args }),
      });
      expect(await response.text()).toContain("only inside the mutation that commits");
    }
  });

  test("arguments above what the operator allows are refused", async () => {
    const value = (mib: number): { value: string } => ({ value: "x".repeat(mib * 2 ** 20 - 100) });
    expect(await client.query("notes:echo", value(1))).toHaveLength(2 ** 20 - 100);
    const error = await rejectionOf(client.query("notes:echo", value(2)));
    expect(error.message).toContain("--max-args-mib");
  });
});

describe("nested transactions", () => {
  test("a nested mutation that throws is undone, what stands around it is kept", async () => {
    expect(await client.mutation("notes:keepAround", { author: "nest" })).toEqual({
      caught: "inner",
      seen: ["before", "after"],
    });
    expect(await client.query("notes:list", { author: "nest" })).toHaveLength(2);
  });

  test("nested mutations started together run one after another", async () => {
    expect(await client.mutation("notes:nestedTogether", { author: "together" })).toEqual([
      "fulfilled",
      "rejected",
      "fulfilled",
      "fulfilled",
    ]);
    const notes = (await client.query("notes:list", { author: "together" })) as { text: string }[];
    expect(notes.map((note) => note.text)).toEqual(["one", "three", "four"]);
  });

  test("a nested mutation is held to the limits it was given", async () => {
    expect(await client.mutation("notes:nestedWithin", { author: "limit" })).toContain("limit: 0");
    expect(await client.query("notes:list", { author: "limit" })).toEqual([]);
  });
});

describe("the runtime of queries and mutations", () => {
  test("the clock stands still, dates are dates", async () => {
    expect(await client.mutation("notes:clock")).toEqual({
      same: true,
      isDate: true,
      text: "string",
      year: 2020,
      random: true,
      floor: 1,
    });
  });

  test.each([
    ["fetch", "Can't use fetch() in queries and mutations"],
    ["setTimeout", "Can't use setTimeout in queries and mutations"],
  ])("%s is refused", async (what, message) => {
    await rejectionOf(client.mutation("notes:outside", { what }));
    await logged(message);
  });

  test("more than a second of own code is refused", async () => {
    // It spins by the clock; the limit is of the processor, of which a busy machine gives it less.
    let isRefused = false;
    for (const ms of [2_000, 8_000, 32_000]) {
      isRefused ||= await client.query("notes:spin", { ms }).then(
        () => false,
        () => true,
      );
    }
    expect(isRefused).toBe(true);
    await logged("Function execution timed out (maximum duration: 1s)");
  });

  test("a mutation that waits for what never comes is stopped, and holds up the others no longer", async () => {
    const waiting = rejectionOf(client.mutation("notes:waitForever"));
    await client.mutation("notes:add", { author: "behind", text: "it" });
    await waiting;
    await logged("it has waited 1s for something that is not an operation of its ctx");
  });

  test("what comes soon may be waited for", async () => {
    expect(await client.query("notes:digest")).toBeInstanceOf(ArrayBuffer);
  });

  test("environment variables are the deployment's", async () => {
    const read = (name: string): Promise<unknown> => client.query("notes:environment", { name });
    expect(await read("FIXTURE_VALUE")).toBe("from the process");
    expect(await read("CONVEX_SITE_URL")).toBe(server.siteUrl);
    expect(await read("CONVEX_CLOUD_URL")).toBe(server.cloudUrl);
    expect(await read("ENCRYPTION_KEY")).toMatch(/^[A-Za-z0-9+/]{43}=$/);
    expect(await read("FREEHOLD_NOT_SET")).toBeNull();
  });

  test("console lines are JSON; a line that is an object already is merged", async () => {
    await client.query("notes:log");
    const lines = await eventually(
      () => server.logs().filter((line) => line["function"] === "notes:log"),
      (found) => found.length === 2,
    );
    expect(lines).toMatchObject([
      { level: "info", message: "plain { a: 1 }" },
      { level: "error", message: "structured", traceId: "t1" },
    ]);
    expect(lines[0]?.["requestId"]).toMatch(/^[0-9a-f]{16}$/);
  });
});

describe("the client API's HTTP", () => {
  test("any origin may call, with the headers it asks for", async () => {
    const response = await fetch(`${server.cloudUrl}/api/query`, {
      method: "OPTIONS",
      headers: {
        Origin: "https://app.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,convex-client",
      },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get("access-control-allow-origin")).toBe("https://app.example");
    expect(response.headers.get("access-control-allow-headers")).toBe("content-type,convex-client");
  });

  test.each([
    ["not JSON", "{", 400],
    ["no path", "{}", 400],
    ["a path that is no text", '{"path":1,"args":{}}', 400],
    ["arguments that are no object", '{"path":"notes:log","args":[7]}', 400],
  ])("a body with %s is a bad request", async (_what, body, status) => {
    const response = await fetch(`${server.cloudUrl}/api/query`, {
      ...{ method: "POST", body, headers: { "Content-Type": "application/json" } },
    });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code: "BadRequest" });
  });

  test("unknown paths are not found, other methods not allowed", async () => {
    expect((await fetch(`${server.cloudUrl}/nope`)).status).toBe(404);
    expect((await fetch(`${server.cloudUrl}/api/query`)).status).toBe(405);
    expect((await fetch(`${server.cloudUrl}/version`)).status).toBe(200);
    expect(await (await fetch(`${server.cloudUrl}/instance_name`)).text()).toBe("local-freehold");
  });
});
