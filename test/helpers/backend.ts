import { convexTest, type TestConvex } from "convex-test";
import { vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { endpoints, incomingWebhooks } from "../../convex/api/endpoints";
import { issueKey } from "../../convex/kit/apiKeys";
import { openApiDocument } from "../../convex/kit/openapi";
import type { Grant, Role } from "../../convex/kit/scopes";
import schema from "../../convex/schema";
import { type SignIn, startSession } from "../../convex/accounts/sessions";
import { createTenant } from "../../convex/tenancy";
import { type Request, requester } from "./answer";
import { answerCheck, type OpenApi } from "./openapi";

const modules = import.meta.glob(["../../convex/**/*.*s"]);

export type Backend = TestConvex<typeof schema>;

/** An organization with its first key, its owner's session, and requests under that key. */
export type Tenant = {
  organizationId: Id<"organizations">;
  apiKey: string;
  sessionToken: string;
  request: Request;
};

export type Fixture = Tenant & { backend: Backend };

/** The functions on the official mock, with an organization in it. What they log is kept, not shown. */
export async function newBackend(options: { transactionLimits?: boolean } = {}): Promise<Fixture> {
  logged.length = 0;
  for (const method of ["log", "error"] as const) {
    vi.spyOn(console, method).mockImplementation((line: unknown) => {
      logged.push(String(line));
    });
  }
  const backend = convexTest({ schema, modules, ...options });
  const founded = await backend.mutation(internal.tenancy.found, {
    organization: "Test Studio",
    email: "owner@studio.test",
    name: "Olga Owner",
  });
  return { backend, ...founded, request: requestsOf(backend, founded.apiKey) };
}

const check = answerCheck(openApiDocument(endpoints, incomingWebhooks) as unknown as OpenApi);

const logged: string[] = [];

/** What has been logged since `newBackend`, the structured lines parsed. */
export function logLines(): Record<string, unknown>[] {
  return logged
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

export function requestsOf(backend: Pick<Backend, "fetch">, token: string | null): Request {
  return requester((path, init) => backend.fetch(path, init), token, check);
}

let tenants = 0;

/** Another organization on the same deployment. */
export async function newTenant(backend: Backend): Promise<Tenant> {
  tenants += 1;
  const founder = {
    organization: `Tenant ${tenants}`,
    email: `owner${tenants}@tenant.test`,
    name: "Ty Tenant",
  };
  const made = await backend.run(async (ctx) => await createTenant(ctx, founder));
  return { ...made, request: requestsOf(backend, made.apiKey) };
}

/** A test organization of the same owner, with its first key. */
export async function newTestTenant({
  backend,
  sessionToken,
}: Pick<Fixture, "backend" | "sessionToken">): Promise<Tenant> {
  const owner = requestsOf(backend, sessionToken);
  const body = { name: "Trial Studio", mode: "test" };
  const founded = await owner("POST", "/tenants", { body });
  if (founded.status !== 201) throw new Error(founded.text);
  const organizationId = founded.body.data.id as Id<"organizations">;
  const headers = { "X-Tenant-Id": organizationId };
  const key = { name: "First key", scopes: ["*"] };
  const { data } = (await owner("POST", "/api-keys", { headers, body: key })).body;
  const request = requestsOf(backend, data.key);
  return { organizationId, apiKey: data.key, sessionToken, request };
}

export type Member = { userId: Id<"users">; sessionToken: string; request: Request };

/** A member of staff with these memberships, and requests under their session. */
export async function newMember(
  backend: Backend,
  memberships: { organizationId: Id<"organizations">; role: Role; status?: "active" | "invited" }[],
): Promise<Member> {
  const made = await backend.run(async (ctx) => {
    const createdAt = Date.now();
    const userId = await ctx.db.insert("users", { name: "Mo", isPlatformAdmin: false, createdAt });
    for (const membership of memberships) {
      await ctx.db.insert("memberships", { status: "active", ...membership, userId, createdAt });
    }
    const { token } = await startSession(ctx, userId, ofTests);
    return { userId, sessionToken: token };
  });
  return { ...made, request: requestsOf(backend, made.sessionToken) };
}

export type Key = { keyId: Id<"apiKeys">; token: string; request: Request };

/** An API key of the organization with these scopes. */
export async function newKey(
  backend: Backend,
  organizationId: Id<"organizations">,
  scopes: Grant[],
  expiresAt?: number,
): Promise<Key> {
  const actor = { type: "system" as const, id: "test", name: "Test" };
  const scope = { organizationId, actor, traceId: "test", ip: null, userAgent: null };
  const { keyId, token } = await backend.run(async (ctx) => {
    const wanted = { name: "Test key", scopes, ...(expiresAt === undefined ? {} : { expiresAt }) };
    const issued = await issueKey(ctx, scope, wanted);
    return { keyId: issued.key._id, token: issued.token };
  });
  return { keyId, token, request: requestsOf(backend, token) };
}

/** How the sessions of tests were started. */
export const ofTests = {
  method: "operator",
  request: { ip: null, userAgent: null },
} as const satisfies SignIn;
