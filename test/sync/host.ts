import { existsSync } from "node:fs";
import { mkdtemp, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { JSONValue } from "convex/values";
import { type Deployment, startDeployment } from "../../scripts/local/deployment";
import type { Database } from "../../scripts/local/database/types";
import { requestOfHost } from "../../scripts/local/runtime/call";
import { sha256Hex } from "../../convex/kit/tokens";
import type { ConflictRecord, Pushed } from "./devices";
import type { Page, Server } from "./simulation";

export type SimulatedHost = {
  /** An organization of its own: what happens in one is nothing to the others. */
  newOrganization(): Promise<SimulatedOrganization>;
  close(): Promise<void>;
};

export type SimulatedOrganization = {
  server: Server;
  /** Two contacts that are only ever written together. */
  makeTwins(firstNotes: string): Promise<string[]>;
  /** Where the changes of the histories so far end. */
  cursor: string;
};

/** Files that are kept in memory, where the system has such a folder. */
const MEMORY = "/dev/shm";

/** The histories lose no power, and every push would wait for the disk. */
async function folderInMemory(): Promise<string> {
  if (!existsSync(MEMORY)) return tmpdir();
  const { bavail, bsize } = await statfs(MEMORY);
  return bavail * bsize >= 2 ** 30 ? MEMORY : tmpdir();
}

type Reply = { status: number; data: string };

/**
 * A deployment of its own in this process, called at the functions behind the routes: the same
 * transactions on the same database as over HTTP, two thousand histories a minute.
 */
export async function startSimulatedHost(): Promise<SimulatedHost> {
  const data = await mkdtemp(path.join(await folderInMemory(), "freehold-simulation-"));
  process.env.RATE_LIMIT_FACTOR = "1000000";
  const deployment = await startDeployment({
    ...{ data, sitePort: 0, cloudPort: 0, demo: true },
    // The histories are about what happens, not how fast: own time is told by the clock on the wall.
    ownTimeLimitMs: 60_000,
  });
  const { demo } = deployment;
  if (!demo) throw new Error("A first start makes the demo organization.");
  const { sessionToken } = demo.staff;
  return {
    async newOrganization() {
      const found = await post(deployment, "/tenants", { name: "Simulated" }, sessionToken);
      const body = { name: "Devices", scopes: ["*"] };
      const { key } = await post(deployment, "/api-keys", body, sessionToken, found.id);
      return await organizationOf(deployment, key ?? "");
    },
    async close() {
      await deployment.stop();
      await rm(data, { recursive: true, force: true });
    },
  };
}

/** Whether a job is under way that removes what belonged to deleted projects, or brings it back. */
async function isRemoving(database: Database): Promise<boolean> {
  const source = {
    type: "FullTableScan",
    tableName: "_scheduled_functions",
    order: "desc",
  } as const;
  return await database.query(async (tx) => {
    const query = tx.openQuery({ source, operators: [] });
    for (let text = tx.next(query); text !== null; text = tx.next(query)) {
      const { name, state } = JSON.parse(text) as { name: string; state: { kind: string } };
      if (!/^projects\/removal(\.js)?:/.test(name)) continue;
      if (state.kind === "pending" || state.kind === "inProgress") return true;
    }
    return false;
  });
}

async function post(
  { siteUrl }: Deployment,
  path: string,
  body: object,
  token: string,
  tenantId?: string,
): Promise<{ id: string; key?: string }> {
  const answer = await fetch(`${siteUrl}/api/v1${path}`, {
    method: "POST",
    headers: {
      ...{ Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      ...(tenantId === undefined ? {} : { "X-Tenant-Id": tenantId }),
    },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
  return ((await answer.json()) as { data: { id: string; key?: string } }).data;
}

async function organizationOf(
  { host }: Deployment,
  apiKey: string,
): Promise<SimulatedOrganization> {
  const credential = { kind: "api_key", tokenHash: sha256Hex(apiKey) };
  const run = async (kind: "query" | "mutation", name: string, args: JSONValue): Promise<unknown> =>
    JSON.parse(await host.run(kind, name, args, requestOfHost(), "all")) as unknown;
  const request = (params: object, body: unknown, query: object = {}): JSONValue => ({
    params: Object.entries(params) as [string, string][],
    query: Object.entries(query) as [string, string][],
    body: body === null ? null : JSON.stringify(body),
  });
  const read = async <T>(name: string, query: object): Promise<T> => {
    const args = { credential, request: request({}, null, query) };
    return JSON.parse(((await run("query", name, args)) as Reply).data) as T;
  };
  const write = async <T>(name: string, params: object, body: unknown): Promise<T> => {
    const call = { credential, traceId: "simulation", ip: null, userAgent: null };
    const args = { call, request: request(params, body) };
    const { reply } = (await run("mutation", name, args)) as { reply: Reply };
    return JSON.parse(reply.data) as T;
  };
  const bulk = async (items: object[]): Promise<string[]> => {
    const answer = await write<{ results: { id: string }[] }>(
      "api/v1/contactsBulk:contacts",
      {},
      { items },
    );
    return answer.results.map(({ id }) => id);
  };
  return {
    server: {
      push: async (deviceId, changes) =>
        await write<Pushed>("api/v1/sync:push", {}, { deviceId, changes }),
      pull: async (cursor, limit) =>
        await read<Page>("api/v1/sync:pull", { cursor, limit: String(limit) }),
      patch: async (id, notes) => {
        await write("api/v1/contacts:update", { id }, { notes });
      },
      isRemovingProjects: async () => await isRemoving(host.database),
      send: async (id) => {
        await write("api/v1/invoices:send", { id }, { channels: [] });
      },
      remove: async (id) => {
        await write("api/v1/contacts:remove", { id }, null);
      },
      patchTwins: async (ids, notes) => {
        await bulk(ids.map((id) => ({ id, notes })));
      },
      conflicts: async (since) =>
        await read<ConflictRecord[]>("api/v1/conflicts:list", {
          limit: "200",
          since: String(since),
        }),
    },
    makeTwins: async (notes) =>
      await bulk([1, 2].map(() => ({ firstName: "Twin", jobTitle: "twin", notes }))),
    cursor: (await read<{ cursor: string }>("api/v1/sync:status", {})).cursor,
  };
}
