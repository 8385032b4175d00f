import type { Answer, Body } from "../helpers/answer";
import type { Tenant } from "../helpers/backend";

/** What the tests of this folder make and sign in. */
export const SIGN_IN = {
  email: "user@example.com",
  name: "John Doe",
  oauthProvider: "google",
  oauthId: "provider-specific-user-id",
} as const;

type Requester = Pick<Tenant, "request">;

export async function signIn(tenant: Requester, changes: object = {}): Promise<Answer> {
  return await tenant.request("POST", "/auth/sync-user", { body: { ...SIGN_IN, ...changes } });
}

/** A portal user's session token. */
export async function portalToken(tenant: Requester, email: string): Promise<string> {
  return (await signIn(tenant, { email })).body.sessionToken;
}

export async function contact(
  tenant: Requester,
  email: string,
  organization?: string,
): Promise<Body> {
  const organizationInfo =
    organization === undefined ? {} : { organizationInfo: { name: organization } };
  const body = { email, firstName: "Ada", ...organizationInfo };
  return (await tenant.request("POST", "/crm/contacts", { body })).body;
}

/** A project that has begun: a draft is not shown to customers. */
export async function project(tenant: Requester, fields: object): Promise<Body> {
  const { id } = await draftProject(tenant, fields);
  const begun = { body: { status: "planning" } };
  return (await tenant.request("PATCH", `/projects/${id}`, begun)).body.data;
}

export async function draftProject(tenant: Requester, fields: object): Promise<Body> {
  const body = { subtype: "client_project", name: "Website", ...fields };
  return (await tenant.request("POST", "/projects", { body })).body.data;
}
