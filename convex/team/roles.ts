import type { QueryCtx } from "../_generated/server";
import type { Doc, Id } from "../_generated/dataModel";
import { ApiError } from "../kit/errors";
import { Sight } from "../ontology/sight";
import { rowOf } from "./rows";

/**
 * What a role in a project's team lets a member of the organization do there. Its owners and managers,
 * and API keys with the scope, may do all of it in every project. docs/projects.md shows this table.
 */
export type ProjectRole = Doc<"projectMembers">["role"];

export const ACTIONS = {
  see: ["lead", "member", "observer"],
  work: ["lead", "member"],
  comment: ["lead", "member", "observer"],
  "log time": ["lead", "member"],
  "change others' time": ["lead"],
  "invoice time": ["lead", "member"],
  invite: ["lead"],
  "change roles and rates": ["lead"],
  remove: ["lead"],
  leave: ["lead", "member", "observer"],
  "delete others' comments": ["lead"],
  "change who sees it": ["lead"],
} as const satisfies Record<string, readonly ProjectRole[]>;
export type ProjectAction = keyof typeof ACTIONS;

/** Who acts: a caller, or a write's scope; `member` stands where roles count. */
type Acting = { organizationId: Id<"organizations">; member?: Id<"users"> | undefined };
type Project = { organizationId: Id<"organizations">; _id: Id<"objects"> };

/**
 * In a project that is everybody's, who is in its team as nothing works on it as its members do.
 * @throws FORBIDDEN
 */
export async function requireProjectAction(
  ctx: QueryCtx,
  { organizationId, member }: Acting,
  { _id }: Project,
  action: ProjectAction,
): Promise<void> {
  if (member === undefined) return;
  const row = await rowOf(ctx, _id, member);
  const allowed: readonly ProjectRole[] = ACTIONS[action];
  if (row?.status === "active") {
    if (allowed.includes(row.role)) return;
  } else if (allowed.includes("member") && action !== "leave") {
    if (await new Sight(ctx, { organizationId, member }, false).seesProject(_id)) return;
  }
  const who = allowed.length === 1 ? "a lead" : `its ${allowed.join("s and ")}s`;
  const message = `Of the project's team, only ${who} may do this; owners and managers may, too.`;
  throw new ApiError("FORBIDDEN", message, { details: { action, roles: [...allowed] } });
}

/**
 * On a project, and on what belongs to it or hangs at it (`projectOf` an object), works who has a role for
 * it there; anything else is no matter of teams. @throws FORBIDDEN
 */
export async function requireWork(
  ctx: QueryCtx,
  acting: Acting,
  projectId: Id<"objects"> | undefined,
): Promise<void> {
  if (projectId === undefined) return;
  const { organizationId } = acting;
  await requireProjectAction(ctx, acting, { organizationId, _id: projectId }, "work");
}

/** `member`: whoever works on it; `lead`: whoever leads it. @throws FORBIDDEN */
export async function requireProjectRole(
  ctx: QueryCtx,
  acting: Acting,
  project: Project,
  role: "member" | "lead",
): Promise<void> {
  await requireProjectAction(ctx, acting, project, role === "lead" ? "invite" : "work");
}
