/**
 * What a caller may do. A key carries scopes; a member of staff has those of the role. `*` is all.
 */
const AREAS = ["crm", "organization", "admin"] as const;

type Area = (typeof AREAS)[number];
export type Scope = `${Area}:${"read" | "write"}`;
export type Grant = Scope | "*";
export type Role = "owner" | "manager" | "member" | "viewer";

export const GRANTS: readonly Grant[] = [
  "*",
  ...AREAS.flatMap((area): Scope[] => [`${area}:read`, `${area}:write`]),
];

const ROLE_GRANTS: Record<Role, readonly Grant[]> = {
  owner: ["*"],
  manager: [
    "crm:read",
    "crm:write",
    "organization:read",
    "organization:write",
    "admin:read",
    "admin:write",
  ],
  member: ["crm:read", "crm:write", "organization:read"],
  viewer: ["crm:read", "organization:read"],
};

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
