/**
 * The steps of a request, each over the ways in which one is made: an endpoint, an endpoint of a person,
 * and a live function of the dashboard. They are the same steps in the same order (kit/pipeline.ts).
 */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { api } from "../../convex/_generated/api";
import type { Doc } from "../../convex/_generated/dataModel";
import { errorDataOf } from "../../convex/kit/errors";
import { newToken } from "../../convex/kit/tokens";
import { type Fixture, newBackend, newKey, newMember } from "../helpers/backend";

let home: Fixture;

beforeEach(async () => {
  vi.unstubAllEnvs();
  vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 5, 1) });
  home = await newBackend();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

/** What became of a request: the code that it was refused with, or null. */
type Ask = (token: string, headers?: Record<string, string>) => Promise<string | null>;

let serial = 0;
const overHttp =
  (method: string, path: string, body?: () => object): Ask =>
  async (token, headers = {}) => {
    const options = { token, headers, ...(body ? { body: body() } : {}) };
    const { status, code } = await home.request(method, path, options);
    return status < 300 ? null : (code ?? String(status));
  };
const live =
  (ask: (sessionId: string) => Promise<unknown>): Ask =>
  async (sessionId) =>
    await ask(sessionId).then(
      () => null,
      (error: unknown) => errorDataOf(error)?.code ?? String(error),
    );
const project = (): { name: string; subtype: "internal" } => {
  serial += 1;
  return { name: `Project ${serial}`, subtype: "internal" };
};
let projectId: string;

const WRITES: [string, Ask][] = [
  ["an endpoint", overHttp("POST", "/projects", project)],
  ["an endpoint of a person", overHttp("POST", "/tenants", () => ({ name: "Second Studio" }))],
  [
    "a live function of an organization",
    live((sessionId) => {
      const { organizationId } = home;
      const args = { sessionId, organizationId, data: project() };
      return home.backend.mutation(api.projectOntology.createProject, args);
    }),
  ],
  [
    "a live function of an object",
    live((sessionId) => {
      const args = { sessionId, projectId, updates: { name: project().name } };
      return home.backend.mutation(api.projectOntology.updateProject, args);
    }),
  ],
];
const inOrganization = WRITES.filter(([name]) => name !== "an endpoint of a person");
const READS: [string, Ask][] = [
  ["an endpoint", overHttp("GET", "/projects")],
  ["an endpoint of a person", overHttp("GET", "/tenants")],
  [
    "a live function",
    live((sessionId) => {
      const { organizationId } = home;
      return home.backend.query(api.projectOntology.getProjects, { sessionId, organizationId });
    }),
  ],
];

beforeEach(async () => {
  const { body } = await home.request("POST", "/projects", { body: project() });
  projectId = body.data.id;
});

async function expireSessions(): Promise<void> {
  await home.backend.run(async ({ db }) => {
    for (const { _id } of await db.query("sessions").collect()) {
      await db.patch("sessions", _id, { expiresAt: Date.now() });
    }
  });
}
async function trail(): Promise<Doc<"auditLogs">[]> {
  return await home.backend.run(({ db }) => db.query("auditLogs").collect());
}
async function viewer(): Promise<string> {
  const { backend, organizationId } = home;
  return (await newMember(backend, [{ organizationId, role: "viewer" }])).sessionToken;
}

describe.each([...WRITES, ...READS])("%s", (_name, ask) => {
  test("is served to a session, and to no unknown token", async () => {
    expect(await ask(home.sessionToken)).toBeNull();
    expect(await ask(newToken("session"))).toBe("UNAUTHORIZED");
  });
});

describe.each(WRITES)("to write by %s", (_name, ask) => {
  test("needs a session that is good at that moment, and leaves nothing without", async () => {
    await expireSessions();
    const before = await trail();
    expect(await ask(home.sessionToken)).toBe("UNAUTHORIZED");
    expect(await trail()).toEqual(before);
  });

  test("is counted, and refused beyond the limit with nothing left", async () => {
    // One request a minute, whatever the plan.
    vi.stubEnv("RATE_LIMIT_FACTOR", "0.0001");
    expect(await ask(home.sessionToken)).toBeNull();
    const before = await trail();
    expect(await ask(home.sessionToken)).toBe("RATE_LIMITED");
    expect(await trail()).toEqual(before);
  });

  test("leaves entries of who did it, in which session, by which request", async () => {
    const before = new Set((await trail()).map(({ _id }) => _id));
    expect(await ask(home.sessionToken)).toBeNull();
    const left = (await trail()).filter(({ _id }) => !before.has(_id));
    expect(left.length).toBeGreaterThan(0);
    expect(new Set(left.map(({ traceId }) => traceId)).size).toBe(1);
    for (const { actor, traceId, sessionId } of left) {
      expect([actor.type, actor.name]).toEqual(["user", "Olga Owner"]);
      expect(traceId).not.toBe("");
      expect(sessionId).toBeDefined();
    }
  });
});

describe.each(inOrganization)("to write by %s", (_name, ask) => {
  test("needs a role that covers it", async () => {
    expect(await ask(await viewer())).toBe("INSUFFICIENT_SCOPE");
  });

  test("is refused first for an ended session, then for its count, then for the role", async () => {
    const token = await viewer();
    vi.stubEnv("RATE_LIMIT_FACTOR", "0.0001");
    // A refused live function rolls back its count: something else draws the last of it.
    expect(await overHttp("GET", "/projects")(token)).toBeNull();
    expect(await ask(token)).toBe("RATE_LIMITED");
    await expireSessions();
    expect(await ask(token)).toBe("UNAUTHORIZED");
  });
});

test.each(inOrganization.filter(([name]) => !name.endsWith("of an object")))(
  "what %s makes is in the total of its list: the store finishes its writes",
  async (_name, ask) => {
    const total = async (): Promise<number | null | undefined> =>
      (await home.request("GET", "/projects")).body.meta?.total;
    expect(await total()).toBe(1);
    expect(await ask(home.sessionToken)).toBeNull();
    expect(await total()).toBe(2);
  },
);

test("a test key of a live organization reads, and writes by no way", async () => {
  const { keyId, token } = await newKey(home.backend, home.organizationId, ["*"]);
  await home.backend.run(async ({ db }) => {
    await db.patch("apiKeys", keyId, { prefix: "fh_test_abcd" });
  });
  expect(await overHttp("GET", "/projects")(token)).toBeNull();
  const before = await trail();
  const refusals = await Promise.all(WRITES.map(([, ask]) => ask(token)));
  // A person, and a live function's caller, is never a key.
  expect(refusals).toEqual(["FORBIDDEN", "FORBIDDEN", "UNAUTHORIZED", "UNAUTHORIZED"]);
  expect(await trail()).toEqual(before);
});

describe.each(WRITES.slice(0, 2))("%s", (_name, ask) => {
  test("writes once for an Idempotency-Key, and refuses it to another request", async () => {
    const headers = { "Idempotency-Key": "once" };
    const paths = { "/projects": project(), "/tenants": { name: "Third Studio" } };
    const [path, body] = Object.entries(paths)[WRITES.findIndex(([, each]) => each === ask)] ?? [];
    const options = { token: home.sessionToken, headers, body };
    const first = await home.request("POST", path ?? "", options);
    const before = await trail();
    const again = await home.request("POST", path ?? "", options);
    expect([again.status, again.body.data]).toEqual([201, first.body.data]);
    expect(again.headers.get("Idempotency-Replayed")).toBe("true");
    expect(await trail()).toEqual(before);
    expect(await ask(home.sessionToken, headers)).toBe("IDEMPOTENCY_KEY_REUSED");
  });
});

test.each(["/projects?dryRun=true", "/tenants?dryRun=true"])(
  "POST %s leaves nothing",
  async (path) => {
    const before = await trail();
    const body = path.startsWith("/tenants") ? { name: "No Studio" } : project();
    const { status } = await home.request("POST", path, { token: home.sessionToken, body });
    expect(status).toBe(201);
    expect(await trail()).toEqual(before);
  },
);
