/**
 * What a caller may do. A key carries scopes; a member of staff has those of the role. `*` is all.
 */
const AREAS = [
  "crm",
  "projects",
  "invoices",
  "attachments",
  "portal",
  "organization",
  "membership",
  "devices",
  "sync",
  "notifications",
  "inbox",
  "webhooks",
  "admin",
] as const;

export type Area = (typeof AREAS)[number];
/** Deleting a draft project is the owner's, or a key's that was given this scope by name. */
export type Scope = `${Area}:${"read" | "write"}` | "projects:delete";
export type Grant = Scope | "*";
export type Role = "owner" | "manager" | "member" | "viewer";

export const GRANTS: readonly Grant[] = [
  "*",
  ...AREAS.flatMap((area): Scope[] => [`${area}:read`, `${area}:write`]),
  "projects:delete",
];

const VIEWER: readonly Grant[] = [
  "crm:read",
  "projects:read",
  "invoices:read",
  "attachments:read",
  "portal:read",
  "organization:read",
  "sync:read",
  // One's own: who may only look takes part in sync as well, and may leave.
  "membership:read",
  "membership:write",
  "devices:read",
  "devices:write",
  "inbox:read",
  "inbox:write",
  "notifications:read",
];
const MEMBER: readonly Grant[] = [
  ...VIEWER,
  "crm:write",
  "projects:write",
  "invoices:write",
  "attachments:write",
  "sync:write",
  "notifications:write",
];
const MANAGER: readonly Grant[] = [
  ...MEMBER,
  "portal:write",
  "organization:write",
  "webhooks:read",
  "webhooks:write",
  "admin:read",
  "admin:write",
];

const ROLE_GRANTS: Record<Role, readonly Grant[]> = {
  owner: ["*"],
  manager: MANAGER,
  member: MEMBER,
  viewer: VIEWER,
};

/** Whether a role sees every project; any other those that are everybody's and those of their teams. */
export function seesAll(role: Role): boolean {
  return role === "owner" || role === "manager";
}

export function grantsOf(role: Role): readonly Grant[] {
  return ROLE_GRANTS[role];
}

export function isGrant(value: string): value is Grant {
  return (GRANTS as readonly string[]).includes(value);
}

/** Whether `held` covers `wanted`; only `*` covers `*`. */
export function covers(held: readonly Grant[], wanted: Grant): boolean {
  return held.includes("*") || held.includes(wanted);
}
