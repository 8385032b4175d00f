import type { Doc, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import type { Caller } from "../kit/caller";
import { ApiError, invalidIn, missingReference, notFound } from "../kit/errors";
import { membershipOf } from "../kit/memberships";
import { idOfAnyTenant } from "../kit/own";
import type { ObjectDoc } from "../ontology/registry";
import type { ObjectStore } from "../ontology/store";
import { requireProjectAction } from "../team/roles";
import type { TimeChange } from "./entries";

type Entry = Doc<"timeEntries">;

/**
 * Whose time is entered on a task: one's own, by who works on its project; another member's by leads, owners,
 * managers and API keys. A key that names nobody enters the time of the organization's first owner.
 * @throws MEMBER_NOT_FOUND; FORBIDDEN
 */
export async function whoseTime(
  ctx: QueryCtx,
  store: ObjectStore,
  caller: Caller,
  task: ObjectDoc<"task">,
  given: string | undefined,
): Promise<Id<"users">> {
  const project = projectOf(store, task.customProperties);
  await requireProjectAction(ctx, store.scope, project, "log time");
  if (given === undefined || given === caller.id) {
    return caller.kind === "user" ? caller.id : await firstOwner(ctx, caller);
  }
  return await anothers(ctx, store, project, given);
}

/** Whose timer is stopped: one's own always, also by who works on the project no more. */
export async function whoseTimer(
  ctx: QueryCtx,
  store: ObjectStore,
  caller: Caller,
  task: ObjectDoc<"task">,
  given: string | undefined,
): Promise<Id<"users">> {
  const isOwn = given === undefined || given === caller.id;
  if (isOwn && caller.kind === "user") return caller.id;
  if (isOwn) return await firstOwner(ctx, caller);
  return await anothers(ctx, store, projectOf(store, task.customProperties), given);
}

type Project = { organizationId: Id<"organizations">; _id: Id<"objects"> };

async function anothers(
  ctx: QueryCtx,
  store: ObjectStore,
  project: Project,
  given: string,
): Promise<Id<"users">> {
  const userId = await store.findMember(given);
  if (!userId) throw missingReference("member", "userId");
  await requireProjectAction(ctx, store.scope, project, "change others' time");
  return userId;
}

/**
 * One's own entries, whether or not one is in the project still; another's by leads, owners, managers and
 * API keys. What an hour costs is not for who worked it.
 * @throws TIME_ENTRY_NOT_FOUND for who does not see the project; FORBIDDEN
 */
export async function requireChangeable(
  ctx: QueryCtx,
  store: ObjectStore,
  caller: Caller,
  entry: Entry,
  { rateInCents }: Pick<TimeChange, "rateInCents"> = {},
): Promise<void> {
  const isOwn = entry.userId === caller.id;
  if (!isOwn && !(await store.sight.seesProject(entry.projectId))) throw notFound("time entry");
  const project = projectOf(store, entry);
  if (!isOwn) await requireProjectAction(ctx, store.scope, project, "change others' time");
  if (rateInCents === undefined) return;
  await requireProjectAction(ctx, store.scope, project, "change roles and rates");
}

/** Whether what all do everywhere is shown: others see others' time by the project, which one must see. */
export function seesAllTime(caller: Caller): boolean {
  return caller.kind === "user" ? caller.member === undefined : caller.kind === "api_key";
}

function projectOf(
  { organizationId }: ObjectStore,
  { projectId: _id }: { projectId: Id<"objects"> },
): Project {
  return { organizationId, _id };
}

async function firstOwner(
  ctx: QueryCtx,
  { organizationId }: Pick<Caller, "organizationId">,
): Promise<Id<"users">> {
  const owners = ctx.db
    .query("memberships")
    .withIndex("by_organization", (q) =>
      q.eq("organizationId", organizationId).eq("role", "owner"),
    );
  for await (const { status, userId } of owners) {
    if (status === "active" && userId !== undefined) return userId;
  }
  throw new ApiError("CONFLICT", "The organization has no owner: name whose time it is (userId).");
}

/**
 * Whose entries are asked for: a member's, or those of one who has left and worked here.
 * @throws VALIDATION_ERROR for anybody else
 */
export async function userOfTime(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  id: string,
): Promise<Id<"users">> {
  const userId = idOfAnyTenant(ctx, "users", id);
  if (userId) {
    const membership = await membershipOf(ctx, userId, organizationId);
    const worked = ctx.db
      .query("timeEntries")
      .withIndex("by_user", (q) => q.eq("organizationId", organizationId).eq("userId", userId));
    if (membership || (await worked.first())) return userId;
  }
  throw invalidIn("query", "userId", "is no member's, and nobody's who has worked here");
}
