/** Clerk's webhooks, in the shapes of `WebhookEvent` of @clerk/backend as far as they are read. */
import type { Answer, Request, RequestOptions } from "../helpers/answer";
import { signedEvent } from "../helpers/webhooks";

export type ClerkEvent = { type: string; data: Record<string, unknown> };
type Verb = "created" | "updated";

/** Signed with `svix-…` headers, under an id of its own or a given one. */
export function signedByClerk(
  event: unknown,
  options: { id?: string; at?: Date; secret?: string } = {},
): RequestOptions {
  const secret = process.env["CLERK_WEBHOOK_SECRET"] ?? "";
  return signedEvent(event, { secret, ...options, prefix: "svix" });
}

export async function tell(request: Request, event: ClerkEvent): Promise<Answer> {
  return await request("POST", "/webhooks/clerk", signedByClerk(event));
}

export function user(
  verb: Verb,
  id: string,
  at: number,
  {
    name = "Ada",
    email,
    verified = true,
  }: { name?: string; email?: string; verified?: boolean } = {},
): ClerkEvent {
  const verification = { status: verified ? "verified" : "unverified", strategy: "email_code" };
  const address = { id: "idn_1", object: "email_address", email_address: email, verification };
  const data = {
    ...{ object: "user", id, first_name: name, last_name: null, username: null },
    primary_email_address_id: email === undefined ? null : "idn_1",
    email_addresses: email === undefined ? [] : [address],
    ...{ created_at: 1, updated_at: at },
  };
  return { type: `user.${verb}`, data };
}

export function organization(verb: Verb, id: string, at: number, name = "Acme"): ClerkEvent {
  const data = { object: "organization", id, name, slug: id, created_at: 1, updated_at: at };
  return { type: `organization.${verb}`, data };
}

type Belonging = { id: string; of: string; in: string; role?: string; name?: string };

export function membership(
  verb: Verb | "deleted",
  { id, of, in: at, role = "org:member", name = "Acme" }: Belonging,
  updatedAt: number,
): ClerkEvent {
  const data = {
    ...{ object: "organization_membership", id, role },
    organization: { object: "organization", id: at, name, slug: at, created_at: 1, updated_at: 1 },
    public_user_data: { user_id: of, first_name: "Ada", last_name: null, identifier: "ada@x.test" },
    ...{ created_at: 1, updated_at: updatedAt },
  };
  return { type: `organizationMembership.${verb}`, data };
}

/** Of a user or an organization: Clerk says no more than this. */
export function deletion(object: "user" | "organization", id: string): ClerkEvent {
  return { type: `${object}.deleted`, data: { object, id, deleted: true } };
}
