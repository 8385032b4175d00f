/**
 * Every mounted route, called in four ways: as no one, as a viewer, as a member of another tenant, and
 * with another tenant's ids, wherever it takes one. What is missing here fails.
 */
import { beforeAll, describe, expect, test, vi } from "vitest";
import { incomingWebhooks } from "../../convex/api/endpoints";
import { httpApp } from "../../convex/kit/http/app";
import { endpointRoutes, incomingRoutes } from "../../convex/kit/http/routes";
import { grantsOf } from "../../convex/kit/scopes";
import { newToken } from "../../convex/kit/tokens";
import schema from "../../convex/schema";
import type { Answer, Request } from "../helpers/answer";
import {
  type Fixture,
  newBackend,
  newKey,
  newMember,
  newTenant,
  requestsOf,
  type Tenant,
} from "../helpers/backend";
import {
  known,
  type Place,
  places,
  requestOf,
  type WholeRoute,
  wholeRoutes,
} from "../helpers/isolation";
import { aContact, anOrganization, type Params, type Reference } from "../helpers/routes";

/** Routes that no caller's tenant has to do with, and why. */
const OUTSIDE: Record<string, string> = {
  "GET /": "says where to go",
  "GET /api/v1": "the same",
  "GET /health": "tells whether the process answers",
  "GET /health/live": "the same",
  "GET /health/ready": "tells whether the database answers and takes writes",
  "GET /api/v1/health": "the same, below the prefix",
  "GET /api/v1/health/live": "the same",
  "GET /api/v1/health/ready": "the same",
  "GET /api/v1/openapi.json": "the document that everybody may read",
  "GET /api/v1/docs": "its page",
  "GET /api/v1/docs/assets/:name": "the page's scripts",
  "GET /api/v1/docs/errors": "what error codes mean, which everybody may read",
  "GET /.well-known/jwks.json": "the public keys of access tokens",
  "GET /account/verify-email": "a page that asks for a click: see test/accounts/pages.test.ts",
  "GET /account/reset-password": "the same",
  "GET /account/magic-link": "the same",
  "GET /account/unlock": "the same",
  "GET /account/change-email": "the same",
  "GET /login/session/:token": "the same, for a link from an app",
  "GET /api/v1/auth/oauth/:provider/start": "sends a browser to a provider: see test/oauth",
  "GET /api/v1/auth/oauth/:provider/callback": "a browser that comes back from it",
  "POST /api/v1/uploads/:token": "the token is the credential: see test/attachments",
  "GET /api/v1/files/:token": "the token is the credential: see test/attachments",
  "GET /api/v1/calendar/feeds/:file":
    "the token in it is the credential: see test/work/boards.test.ts",
  "GET /api/v1/webhooks/whatsapp": "Meta's challenge, answered to who knows the secret word",
};
/** Routes on which nobody is refused for the organization, because the caller names none. */
const ONES_OWN: Record<string, string> = {
  "POST /tenants": "founds another organization",
  "POST /tenants/invites/accept": "the token names it, and is for one e-mail alone",
};

const secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

type Callers = { key: Request; user: Request; portal: Request };
let home: Fixture;
let other: Tenant;
let atHome: Callers;
let atOther: Callers;
let aContactId: string;
let anOrganizationId: string;

beforeAll(async () => {
  vi.stubEnv("RATE_LIMIT_FACTOR", "1000");
  for (const name of ["RESEND_WEBHOOK_SECRET", "WHATSAPP_APP_SECRET"]) vi.stubEnv(name, secret);
  home = await newBackend();
  other = await newTenant(home.backend);
  atHome = await callersOf(home);
  atOther = await callersOf(other);
  return () => {
    vi.unstubAllEnvs();
  };
});

async function callersOf({ request: key, sessionToken }: Tenant): Promise<Callers> {
  const pia = { email: "pia@x.test", name: "Pia", oauthProvider: "google", oauthId: "1" };
  const { body } = await key("POST", "/auth/sync-user", { body: pia });
  const user = requestsOf(home.backend, sessionToken);
  return { key, user, portal: requestsOf(home.backend, body.sessionToken) };
}
const callerIn = (callers: Callers, { caller }: WholeRoute): Request =>
  ({ api_key: callers.key, user: callers.user, portal_user: callers.portal })[caller];

/** Kept by jobs that run meanwhile, or by how often a caller asks. */
const BY_JOBS = new Set([
  ...["rateLimits", "counts", "countDeltas", "auditChains", "eventCursors", "senders"],
  ...["webhookQueues", "webhookDeliveries", "webhookSenders", "notifications"],
  ...["contactImports", "contactImportResults", "contactImportKeys", "paymentLinks"],
]);

/** What must stay as it is of an organization. */
async function rowsOf({ organizationId }: Tenant): Promise<Record<string, { _id: string }[]>> {
  const rows: Record<string, { _id: string }[]> = {};
  await home.backend.run(async ({ db }) => {
    for (const table of Object.keys(schema.tables) as (keyof typeof schema.tables)[]) {
      if (BY_JOBS.has(table)) continue;
      const own = (await db.query(table).collect()).filter((row) => isOf(row, organizationId));
      if (own.length > 0) rows[table] = own;
    }
  });
  return rows;
}
const isOf = (row: object, organizationId: string): boolean =>
  ("organizationId" in row && row.organizationId === organizationId) ||
  ("_id" in row && row._id === organizationId);

const titled = wholeRoutes.map((route): [string, WholeRoute] => [route.title, route]);

/** All but those for everybody: who registers or signs in has no credential yet. */
const credentialed = titled.filter(([, { isPublic }]) => !isPublic);

test("every mounted route is in the matrix, or is named with the reason why not", () => {
  const mounted = httpApp(endpointRoutes, incomingRoutes)
    .routes.filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => `${method} ${path}`);
  const tried = [
    ...wholeRoutes.map(({ method, path }) => `${method} /api/v1${path}`),
    ...incomingWebhooks.map(({ path }) => `POST /api/v1${path}`),
  ];
  expect([...new Set(mounted)].sort()).toEqual([...tried, ...Object.keys(OUTSIDE)].sort());
  expect([...known].sort()).toEqual(wholeRoutes.map(({ title }) => title).sort());
});

test("every parameter of a path is one whose ids are tried, and every body is sent", () => {
  for (const { title, path, example, body, raw } of wholeRoutes) {
    const named = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name);
    expect(Object.keys(example.ids ?? {}), title).toEqual(named);
    expect(example.body !== undefined, title).toBe(body !== undefined);
    expect(example.raw !== undefined, title).toBe(raw !== undefined);
  }
});

describe("no one", () => {
  const credentials: [string, string | null][] = [];
  let before: unknown;
  beforeAll(async () => {
    const revoked = await newKey(home.backend, home.organizationId, ["*"]);
    const expired = await newKey(home.backend, home.organizationId, ["*"]);
    await home.backend.run(async ({ db }) => {
      await db.patch("apiKeys", revoked.keyId, { revokedAt: 1 });
      await db.patch("apiKeys", expired.keyId, { expiresAt: 1 });
    });
    credentials.push(
      ["nothing", null],
      ["an unknown token", newToken("api_key_live")],
      ["a revoked key", revoked.token],
      ["an expired key", expired.token],
    );
    before = await rowsOf(home);
  });

  test.each(credentialed)(
    "%s is 401 to nothing, unknown, revoked and expired",
    async (_title, route) => {
      const { path, options } = requestOf(route, {});
      for (const [name, token] of credentials) {
        const answer = await home.request(route.method, path, { ...options, token });
        expect([name, answer.status, answer.code]).toEqual([name, 401, "UNAUTHORIZED"]);
        expect(answer.headers.get("WWW-Authenticate")).toMatch(/^Bearer /);
      }
    },
  );

  test.each(incomingWebhooks.map(({ path }) => path))(
    "POST %s is 401 to whoever does not sign, whatever else they have",
    async (path) => {
      for (const token of [null, home.apiKey, home.sessionToken]) {
        const answer = await home.request("POST", path, { body: {}, token });
        expect([answer.status, answer.code]).toEqual([401, "INVALID_SIGNATURE"]);
      }
    },
  );

  test("has left anything behind", async () => {
    expect(await rowsOf(home)).toEqual(before);
    const events = await home.backend.run(({ db }) => db.query("incomingEvents").collect());
    expect(events).toEqual([]);
  });
});

describe("a viewer", () => {
  let viewer: Request;
  const params = new Map<WholeRoute, Record<string, string>>();
  let before: unknown;
  const grants: readonly string[] = grantsOf("viewer");
  const refusalTo = ({ callers, scope, isPersonal }: WholeRoute): string | undefined => {
    if (callers && !callers.includes("user")) return "FORBIDDEN";
    return isPersonal || grants.includes(scope ?? "") ? undefined : "INSUFFICIENT_SCOPE";
  };
  const refused = credentialed.filter(([, route]) => refusalTo(route) !== undefined);

  beforeAll(async () => {
    const { organizationId } = home;
    viewer = (await newMember(home.backend, [{ organizationId, role: "viewer" }])).request;
    for (const [, route] of refused) params.set(route, await paramsOf(route, atHome));
    before = await rowsOf(home);
  });

  test.each(refused)("is refused %s", async (_title, route) => {
    const { path, options } = requestOf(route, params.get(route) ?? {});
    const answer = await viewer(route.method, path, options);
    expect([answer.status, answer.code]).toEqual([403, refusalTo(route)]);
  });

  test("has changed nothing by that", async () => {
    expect(await rowsOf(home)).toEqual(before);
  });

  test("sees nothing of the platform's administration", async () => {
    expect((await viewer("GET", "/admin/logs/audit")).code).toBe("FORBIDDEN");
  });

  const read = titled.filter(
    ([title, route]) =>
      route.kind === "query" && refusalTo(route) === undefined && !title.includes("/admin/"),
  );
  test.each(read.filter(([, { files }]) => !files))("reads %s", async (_title, route) => {
    // What is a person's own they have made themselves.
    const makers = route.isPersonal ? { ...atHome, user: viewer } : atHome;
    const { path } = requestOf(route, await paramsOf(route, makers));
    expect((await viewer(route.method, path)).status).toBe(200);
  });
});

describe("a member of another tenant", () => {
  const others = credentialed.filter(([title]) => !(title in ONES_OWN));
  const inHeader = others.filter(([, route]) => !route.isPersonal && !route.tenantInPath);
  const reading = others.filter(
    ([title, { kind, files }]) => kind === "query" && !files && !title.includes("/admin/"),
  );

  test.each(inHeader)("is refused %s with X-Tenant-Id", async (_title, route) => {
    const { path, options } = requestOf(route, {});
    const headers = { ...options.headers, "X-Tenant-Id": home.organizationId };
    const request = callerIn(atOther, route);
    const answer = await request(route.method, path, { ...options, headers });
    expect([answer.status, answer.code]).toEqual([403, "FORBIDDEN"]);
  });

  let foreign: string[];
  beforeAll(async () => {
    foreign = await idsOf(home);
  });

  test.each(reading)("reads nothing of it by %s", async (_title, route) => {
    const { path } = requestOf(route, await paramsOf(route, atOther));
    const answer = await callerIn(atOther, route)(route.method, path);
    expect(answer.status, answer.text).toBeLessThan(300);
    expect(foreign.filter((id) => answer.text.includes(id))).toEqual([]);
  });
});

describe("another tenant's id", () => {
  const cases = places.map((place): [string, string, Place] => [
    ...([place.route.title, place.at.join("."), place] as const),
  ]);
  let theirs: unknown;
  beforeAll(async () => {
    aContactId = await aContact.subject(home.request);
    anOrganizationId = await anOrganization.subject(home.request);
    for (const { route, reference } of places) await foreignId(route, reference);
    theirs = await rowsOf(other);
  });

  test.each(cases)("%s answers at %s as to a missing one", async (_title, _at, place) => {
    const { route, at, reference } = place;
    const params = await paramsOf(route, atHome, at[0] === "path" ? at[1] : undefined);
    const request = callerIn(atHome, route);
    const ask = async (id: string): Promise<Answer> => {
      const { path, options } = requestOf(route, params, { at, id });
      return await request(route.method, path, options);
    };
    const foreign = await foreignId(route, reference);
    const answer = await ask(foreign);
    const missing = await reference.missing(request);
    for (const id of [missing, ...(at[0] === "path" ? badIdsFor(route, at[1] ?? "") : [])]) {
      const missed = await ask(id);
      expect([id, withoutIds(missed, id)]).toEqual([id, withoutIds(answer, foreign)]);
    }
    if (at[0] !== "path") return;
    expect(answer.status).toBe(404);
    expect(answer.code).toMatch(/^[A-Z_]+_NOT_FOUND$/);
    expect(answer.text).not.toContain(foreign);
  });

  test("has changed nothing of theirs", async () => {
    expect(await rowsOf(other)).toEqual(theirs);
  });
});

/** Ids of no kind, of another table and of another type: the path names a tenant, or an object. */
function badIdsFor({ tenantInPath, path }: WholeRoute, name: string): string[] {
  const otherTable = tenantInPath && name === "id" ? [] : [home.organizationId];
  const otherType = path.startsWith("/crm/contacts") ? anOrganizationId : aContactId;
  return [...otherTable, otherType, "nonsense", "%00", "..%2f..", "a".repeat(5000), "%E0%A4%A"];
}

/** All of an answer but the id that was asked for and the request's own. */
function withoutIds(answer: Answer, id: string): unknown {
  const { status, headers, text } = answer;
  const traceId = headers.get("X-Request-Id") ?? "";
  const names = [...headers.keys()].sort();
  return { status, names, text: text.replaceAll(traceId, "trace").replaceAll(id, "id") };
}

const foreignIds = new Map<Reference["subject"], Promise<string>>();

/** Made by the other tenant, once for all routes: none of them changes it. */
async function foreignId(route: WholeRoute, { subject }: Reference): Promise<string> {
  const known = foreignIds.get(subject) ?? subject(callerIn(atOther, route));
  foreignIds.set(subject, known);
  return await known;
}

/** The path's parameters, made by its callers; but for one that is tried. */
async function paramsOf(route: WholeRoute, callers: Callers, tried?: string): Promise<Params> {
  const params: Params = {};
  for (const [name, { subject }] of Object.entries(route.example.ids ?? {})) {
    if (name !== tried) params[name] = await subject(callerIn(callers, route), params);
  }
  return params;
}

async function idsOf(tenant: Tenant): Promise<string[]> {
  const rows = Object.values(await rowsOf(tenant)).flat();
  return rows.map(({ _id }) => _id);
}
