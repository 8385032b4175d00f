import type { Id } from "../_generated/dataModel";
import { invalidFields } from "../kit/errors";
import { sightRow } from "../ontology/sight";
import type { RuleContext } from "../ontology/typeRules";
import { canSeeProject } from "../team/members";

/** Of people who are members, those who see the project: nobody holds what they cannot open. */
export async function whoSee(
  { ctx, store: { organizationId } }: RuleContext,
  projectId: Id<"objects">,
  userIds: readonly Id<"users">[],
): Promise<Id<"users">[]> {
  const project = { organizationId, _id: projectId };
  const seeing = await Promise.all(userIds.map((id) => canSeeProject(ctx, id, project)));
  return userIds.filter((_, at) => seeing[at]);
}

/**
 * Those who are assigned anew must see the project; who held it before may stay.
 * @throws VALIDATION_ERROR at the first who does not
 */
export async function requireAssignable(
  context: RuleContext,
  projectId: Id<"objects">,
  { before, next }: Record<"before" | "next", readonly Id<"users">[]>,
): Promise<void> {
  const added = next.filter((id) => !before.includes(id));
  if (added.length === 0) return;
  const { ctx, store } = context;
  // Whoever is a member, which is known of them, sees a project that is everybody's.
  const sight = await sightRow(ctx, store.organizationId, projectId);
  if (!sight?.isTeam) return;
  const seeing = await whoSee(context, projectId, added);
  const stranger = added.find((id) => !seeing.includes(id));
  if (stranger === undefined) return;
  const message = "does not see the project: invite them to its team first";
  throw invalidFields([{ field: `assigneeIds.${next.indexOf(stranger)}`, message }]);
}
