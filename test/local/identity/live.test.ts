/** Who calls over the WebSocket: the official client with tokens of a real provider. */
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, startServer, type TestServer } from "../../helpers/server";
import { LiveClient } from "../live/client";
import { Provider } from "./provider";

const FUNCTIONS = fileURLToPath(new URL("./convex", import.meta.url));

let provider: Provider;
const clients: LiveClient[] = [];

beforeAll(async () => {
  provider = await Provider.start();
});
afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await provider.stop();
});

function clientAt(url: string, token: () => Promise<string | null>): LiveClient {
  const client = new LiveClient(url);
  clients.push(client);
  client.convex.setAuth(token);
  return client;
}

type Who = { subject: string } | null;

describe("a live query that asks who reads it", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({
      functions: FUNCTIONS,
      flags: ["--no-demo"],
      env: { PROVIDER_URL: provider.url, INLINE_KEYS: 'data:,{"keys":[]}' },
    });
  });
  afterAll(async () => server.remove());

  test("answers each reader for themselves, also to the same question", async () => {
    const heard = ["ada", "bob", "ada"].map((sub) => {
      const client = clientAt(server.cloudUrl, () => provider.token({ claims: { sub } }));
      return { sub, heard: client.subscribe<Who>("who:inQuery") };
    });
    const nobody = new LiveClient(server.cloudUrl);
    clients.push(nobody);
    expect(await nobody.subscribe<Who>("who:inQuery").until(() => true)).toBeNull();
    for (const { sub, heard: own } of heard) {
      expect(await own.until((who) => who !== null)).toMatchObject({ subject: sub });
      for (const value of own.values) expect(value?.subject ?? sub).toBe(sub);
    }
    const [ada] = clients;
    expect(await ada?.mutation("who:inMutation")).toMatchObject({ subject: "ada" });
    expect(await ada?.action("whoNode:inNode")).toMatchObject({ subject: "ada" });
  });

  test("follows its reader, who signs in as another and out again", async () => {
    const client = clientAt(server.cloudUrl, () => provider.token());
    const heard = client.subscribe<Who>("who:inQuery");
    await heard.until((who) => who?.subject === "ada");
    client.convex.setAuth(() => provider.token({ claims: { sub: "eve" } }));
    await heard.until((who) => who?.subject === "eve");
    await client.signOut(() => heard.last === null);
  });

  test("takes no forged token", async () => {
    const changes: boolean[] = [];
    const client = new LiveClient(server.cloudUrl);
    clients.push(client);
    client.convex.setAuth(
      async () => `${(await provider.token()).slice(0, -8)}AAAAAAAA`,
      (isAuthenticated) => changes.push(isAuthenticated),
    );
    await eventually(
      () => changes,
      (heard) => heard.includes(false),
    );
    expect(changes).not.toContain(true);
  });
});
