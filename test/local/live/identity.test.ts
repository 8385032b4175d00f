/** Live queries of users who sign in, change, and whose tokens end. */
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { eventually, startServer, type TestServer } from "../../helpers/server";
import { Provider } from "../identity/provider";
import { LiveClient } from "./client";
import { RawClient } from "./raw";

const FUNCTIONS = fileURLToPath(new URL("../identity/convex", import.meta.url));

type Identity = { subject: string } | null;

let provider: Provider;
let server: TestServer;
const clients: LiveClient[] = [];

beforeAll(async () => {
  provider = await Provider.start();
  const env = {
    PROVIDER_URL: provider.url,
    INLINE_KEYS: "data:text/plain,%7B%22keys%22%3A%5B%5D%7D",
  };
  server = await startServer({ functions: FUNCTIONS, flags: ["--no-demo"], env });
}, 60_000);
afterAll(async () => {
  await server.remove();
  await provider.stop();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});

function connect(): LiveClient {
  const client = new LiveClient(server.cloudUrl);
  clients.push(client);
  return client;
}

const tokenOf = (sub: string, exp?: number): Promise<string> =>
  provider.token({ claims: { sub, ...(exp === undefined ? {} : { exp }) } });

test("a query sees who asks, from sign-in to sign-out, and so do mutations and actions", async () => {
  const client = connect();
  const heard = client.subscribe<Identity>("who:inQuery");
  await heard.until((identity) => identity === null);
  const signedIn: boolean[] = [];
  client.convex.setAuth(
    () => tokenOf("ada"),
    (isAuthenticated) => signedIn.push(isAuthenticated),
  );
  await heard.until((identity) => identity?.subject === "ada");
  expect(await client.mutation("who:inMutation")).toMatchObject({ subject: "ada" });
  expect(await client.action("who:inAction")).toMatchObject({ subject: "ada" });
  // A slow client may be told more than once, and never that it is not.
  expect(new Set(signedIn)).toEqual(new Set([true]));
  await client.signOut(() => heard.last === null);
});

test("users who ask the same query get each their own answer, also of nested queries", async () => {
  const heard = ["ada", "bob", "cleo"].map((sub) => {
    const client = connect();
    client.convex.setAuth(() => tokenOf(sub));
    return [sub, client.subscribe<Identity>("who:inQuery")] as const;
  });
  for (const [sub, answers] of heard) {
    await answers.until((identity) => identity?.subject === sub);
    expect(answers.values.filter((identity) => identity?.subject !== sub)).toEqual([]);
  }
});

test("users share a query that does not ask who they are", async () => {
  const [ada, bob] = [connect(), connect()];
  ada.convex.setAuth(() => tokenOf("ada"));
  bob.convex.setAuth(() => tokenOf("bob"));
  const [first, second] = [ada, bob].map((client) => client.subscribe<string[]>("who:noted"));
  await first?.until(() => true);
  await second?.until(() => true);
  await ada.mutation("who:schedule");
  await first?.until((notes) => notes.length === 1);
  await second?.until((notes) => notes.length === 1);
});

test("a token that is refused is replaced by a fresh one, and the client goes on", async () => {
  const client = connect();
  const tokens = [await tokenOf("late", 1_000), await tokenOf("ada")];
  const asked: boolean[] = [];
  const heard = client.subscribe<Identity>("who:inQuery");
  client.convex.setAuth(async ({ forceRefreshToken }) => {
    asked.push(forceRefreshToken);
    return tokens.shift() ?? (await tokenOf("ada"));
  });
  await heard.until((identity) => identity?.subject === "ada");
  expect(asked.slice(0, 2)).toEqual([false, true]);
});

test("an identity ends with its token", async () => {
  const client = await RawClient.open(server.cloudUrl);
  const soon = Math.floor(Date.now() / 1_000) + 2;
  const value = await tokenOf("ada", soon);
  client.send({ type: "Authenticate", tokenType: "User", value, baseVersion: 0 });
  client.subscribe("who:inQuery", {});
  await client.next(({ modifications }) => JSON.stringify(modifications ?? "").includes("ada"));
  await eventually(
    () => Date.now() / 1_000,
    (now) => now > soon,
  );
  client.mutate(0, "who:inMutation", {});
  expect(await client.next(({ type }) => type === "AuthError")).toMatchObject({
    baseVersion: 0,
    authUpdateAttempted: false,
  });
  await client.closed;
  expect(client.received.filter(({ type }) => type === "MutationResponse")).toEqual([]);
});
