/** Who calls over the WebSocket: the official client with tokens of a real provider. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Deployment, startDeployment } from "../../../scripts/local/deployment";
import { redirectLog } from "../../../scripts/local/runtime/log";
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
    client.convex.client.clearAuth();
    await heard.until((who) => who === null);
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

test("the dashboard reads its contacts with a Clerk token alone", async () => {
  const data = await mkdtemp(path.join(tmpdir(), "freehold-clerk-"));
  const restoreLog = redirectLog(() => undefined);
  process.env["CLERK_ISSUER"] = `${provider.url}/oidc`;
  let deployment: Deployment | null = null;
  try {
    deployment = await startDeployment({ data, sitePort: 0, cloudPort: 0 });
    const { host, demo, cloudUrl } = deployment;
    const organizationId = demo?.organizationId ?? "";
    const token = (): Promise<string> =>
      provider.token({ claims: { aud: "convex", sub: "user_1" } });
    const client = clientAt(cloudUrl, token);
    const before = client.subscribe("crmOntology:getContacts", { organizationId });
    await eventually(
      () => before.errors.length,
      (count) => count > 0,
    );
    expect(before.errors[0]?.data).toMatchObject({ code: "UNAUTHORIZED" });
    before.stop();
    // As the Clerk webhook does.
    await host.database.mutation(async (tx) => {
      const query = tx.openQuery({
        source: { type: "FullTableScan", tableName: "users", order: null },
        operators: [],
      });
      const user = JSON.parse(tx.next(query) ?? "null") as { _id: string };
      tx.shallowMerge(user._id, { clerkUserId: "user_1" });
    });
    const contacts = client.subscribe<unknown[]>("crmOntology:getContacts", { organizationId });
    expect(await contacts.until(() => true)).toEqual(expect.any(Array));
  } finally {
    delete process.env["CLERK_ISSUER"];
    restoreLog();
    await deployment?.stop();
    await rm(data, { recursive: true, force: true });
  }
}, 60_000);
