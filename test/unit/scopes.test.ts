import { expect, test } from "vitest";
import { endpoints } from "../../convex/api/endpoints";
import { covers, GRANTS, grantsOf, isGrant, type Role } from "../../convex/kit/scopes";

const READING =
  "crm:read projects:read invoices:read attachments:read portal:read organization:read notifications:read sync:read membership:read membership:write devices:read devices:write inbox:read inbox:write";
const WRITING =
  "crm:write projects:write invoices:write attachments:write notifications:write sync:write";
const MANAGING =
  "portal:write organization:write webhooks:read webhooks:write admin:read admin:write";

/** What each role may do, spelled out: a change of the table must be a change of this one. */
const MATRIX: Record<Role, string> = {
  owner: `${READING} ${WRITING} ${MANAGING} projects:delete *`,
  manager: `${READING} ${WRITING} ${MANAGING}`,
  member: `${READING} ${WRITING}`,
  viewer: READING,
};

test.each(Object.entries(MATRIX) as [Role, string][])(
  "%s covers exactly its scopes",
  (role, scopes) => {
    const covered = GRANTS.filter((grant) => covers(grantsOf(role), grant));
    expect(covered.sort()).toEqual(scopes.split(" ").sort());
  },
);

test("each role covers everything that the next lower one does", () => {
  const ranks: Role[] = ["owner", "manager", "member", "viewer"];
  for (const [index, role] of ranks.slice(0, -1).entries()) {
    const lower = grantsOf(ranks[index + 1] ?? "viewer");
    expect(lower.filter((grant) => !covers(grantsOf(role), grant))).toEqual([]);
  }
});

test("* covers everything, and only * covers *", () => {
  for (const grant of GRANTS) expect(covers(["*"], grant)).toBe(true);
  expect(
    covers(
      GRANTS.filter((grant) => grant !== "*"),
      "*",
    ),
  ).toBe(false);
});

test("reading is not contained in writing", () => {
  expect(covers(["crm:write"], "crm:read")).toBe(false);
});

test.each(["", "crm", "crm:*", "crm:delete", "CRM:read", "**", "toString"])(
  "%j is no scope",
  (text) => {
    expect(isGrant(text)).toBe(false);
  },
);

const ONES_OWN = [
  "/projects/:id/team/:userId",
  ...["/calendar/feed", "/projects/:id/favorite", "/comments/follow", "/comments/read"],
  ...["/comments/:id/star", "/projects/:id/comments/:commentId/star"],
];

test("every endpoint asks for a scope that a key can have; writes never for a reading one", () => {
  for (const { scope, method, kind, path, isPersonal, isPublic, consults } of endpoints) {
    // What is asked of the world outside is counted by the mutation that comes after.
    expect(kind, path).toBe(method === "GET" && !consults ? "query" : "mutation");
    // A person's own, or everybody's: for them there is no scope.
    if (scope === null) {
      expect(isPersonal ?? isPublic, path).toBe(true);
      continue;
    }
    expect(isGrant(scope), path).toBe(true);
    // What a portal user does to their own sign-in is for whoever may see it; so is what one marks for oneself.
    if (path.startsWith("/auth/") || ONES_OWN.includes(path)) continue;
    const writing: string[] =
      scope === "projects:delete" ? ["DELETE"] : ["POST", "PUT", "PATCH", "DELETE"];
    expect(scope.endsWith(":read") ? ["GET"] : writing, path).toContain(method);
  }
});
