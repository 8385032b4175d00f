/** Live functions whose caller is known by their Clerk token instead of a `sessionId`. */
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { api } from "../../convex/_generated/api";
import type { Role } from "../../convex/kit/scopes";
import { newToken } from "../../convex/kit/tokens";
import {
  type Backend,
  type Fixture,
  newBackend,
  newMember,
  newTenant,
  type Tenant,
} from "../helpers/backend";
import { refusalOf } from "../helpers/refusal";

const CLERK = "https://clerk.studio.test";
const crm = api.crmOntology;
const projects = api.projectOntology;

let home: Fixture;
let other: Tenant;
let contactId: string;
let theirContact: string;
let owner: string;

beforeAll(async () => {
  home = await newBackend();
  other = await newTenant(home.backend);
  const add = async (tenant: Tenant): Promise<string> =>
    (await tenant.request("POST", "/crm/contacts", { body: { firstName: "Ada" } })).body.contactId;
  contactId = await add(home);
  theirContact = await add(other);
  owner = await addStaff("owner");
  await addStaff("viewer");
});
beforeEach(() => {
  vi.stubEnv("CLERK_ISSUER", `${CLERK}/`);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

async function addStaff(role: Role): Promise<string> {
  const { organizationId, backend } = home;
  const { userId } = await newMember(backend, [{ organizationId, role }]);
  await backend.run(async (ctx) => {
    await ctx.db.patch("users", userId, { clerkUserId: `user_${role}` });
  });
  return userId;
}

const as = (subject: string, issuer = CLERK): Pick<Backend, "query" | "mutation"> =>
  home.backend.withIdentity({ subject, issuer });
const data = { name: "Site", subtype: "internal" } as const;
const organization = (): { organizationId: Tenant["organizationId"] } => ({
  organizationId: home.organizationId,
});

test("whose session at Clerk is pending is nobody yet", async () => {
  const asked = home.backend
    .withIdentity({ subject: "user_owner", issuer: CLERK, sts: "pending" })
    .query(projects.getProjects, organization());
  expect(await refusalOf(asked)).toMatchObject({ code: "UNAUTHORIZED" });
});

describe("who has authenticated with a Clerk token", () => {
  test("reads what a session of theirs reads", async () => {
    const bySession = { ...organization(), sessionId: home.sessionToken };
    expect(await as("user_viewer").query(crm.getContacts, organization())).toEqual(
      await home.backend.query(crm.getContacts, bySession),
    );
    const one = await as("user_viewer").query(crm.getContact, { contactId });
    expect(one._id).toBe(contactId);
  });

  test("writes as themselves, as far as their role goes", async () => {
    const creation = { ...organization(), data };
    const project = await as("user_owner").mutation(projects.createProject, creation);
    expect(project.createdBy).toBe(owner);
    const refused = as("user_viewer").mutation(projects.createProject, creation);
    expect((await refusalOf(refused)).code).toBe("INSUFFICIENT_SCOPE");
  });

  test("finds nothing of another tenant", async () => {
    const { organizationId } = other;
    const list = as("user_owner").query(crm.getContacts, { organizationId });
    expect((await refusalOf(list)).code).toBe("FORBIDDEN");
    const one = as("user_owner").query(crm.getContact, { contactId: theirContact });
    expect((await refusalOf(one)).code).toBe("CONTACT_NOT_FOUND");
  });

  test("is not asked for where a sessionId is sent", async () => {
    for (const sessionId of ["", "nonsense", newToken("session"), home.apiKey]) {
      const args = { ...organization(), sessionId };
      const refused = as("user_owner").query(crm.getContacts, args);
      expect((await refusalOf(refused)).code).toBe("UNAUTHORIZED");
    }
  });
});

describe("UNAUTHORIZED is", () => {
  const attempts = async (caller: Pick<Backend, "query" | "mutation">): Promise<string[]> =>
    await Promise.all(
      [
        caller.query(crm.getContacts, organization()),
        caller.query(crm.getContact, { contactId }),
        caller.mutation(projects.createProject, { ...organization(), data }),
      ].map(async (attempt: Promise<unknown>) => (await refusalOf(attempt)).code),
    );

  test.each([
    ["nobody", () => home.backend],
    ["a user whom we do not know", () => as("user_stranger")],
    ["a user of another provider with the same subject", () => as("user_owner", "https://evil")],
    ["a user without a subject", () => as("")],
  ])("%s", async (_name, caller) => {
    expect(new Set(await attempts(caller()))).toEqual(new Set(["UNAUTHORIZED"]));
  });

  test("everyone where Clerk is not configured", async () => {
    for (const issuer of ["", undefined]) {
      vi.stubEnv("CLERK_ISSUER", issuer);
      expect(new Set(await attempts(as("user_owner")))).toEqual(new Set(["UNAUTHORIZED"]));
      expect(new Set(await attempts(as("user_owner", "")))).toEqual(new Set(["UNAUTHORIZED"]));
    }
  });
});

test("we may vouch for callers, and Clerk where it is configured, and nobody else", async () => {
  vi.stubEnv("CONVEX_SITE_URL", "https://api.studio.test/");
  const issuer = "https://api.studio.test";
  const ours = {
    ...{ type: "customJwt", issuer, jwks: `${issuer}/.well-known/jwks.json` },
    ...{ algorithm: "ES256", applicationID: "convex" },
  };
  const providers = async (): Promise<unknown> => {
    vi.resetModules();
    return (await import("../../convex/auth.config")).default.providers;
  };
  expect(await providers()).toEqual([ours, { domain: CLERK, applicationID: "convex" }]);
  vi.stubEnv("CLERK_ISSUER", undefined);
  expect(await providers()).toEqual([ours]);
});
