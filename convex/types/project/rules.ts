import { internal } from "../../_generated/api";
import { removeTags } from "../../projects/tags";
import { requireWork } from "../../team/roles";
import { hideForRemoval } from "../../team/sightRows";
import { ApiError, invalidFields } from "../../kit/errors";
import { dayOf } from "../../kit/localTime";
import { jobScopeOf } from "../../ontology/effects";
import type { ObjectDoc } from "../../ontology/registry";
import { nextSerial, numberIn, serialText } from "../../ontology/serials";
import type { RuleContext, TypeRules } from "../../ontology/typeRules";

type Project = ObjectDoc<"project">;

/** A new project is a draft, and has the next code of the organization and the year. */
export const projectRules: TypeRules<"project"> = {
  check({ startDate, targetEndDate, hourlyRateInCents }) {
    if (hourlyRateInCents !== undefined && !Number.isInteger(hourlyRateInCents)) {
      const message = "must be an integer in the currency's smallest unit";
      throw invalidFields([{ field: "hourlyRateInCents", message }]);
    }
    if (startDate === undefined || targetEndDate === undefined) return;
    if (targetEndDate >= startDate) return;
    throw invalidFields([{ field: "targetEndDate", message: "must not lie before startDate" }]);
  },
  // Read last: from here on, concurrent creations of the organization wait for each other.
  async gives(context) {
    return { projectCode: await nextCode(context, Date.now()) };
  },
  /** Any other is archived instead. */
  requireRemovable({ status }) {
    if (status === "draft") return;
    throw new ApiError("INVALID_STATE", `A ${status} project is not deleted; archive it.`, {
      details: { status, allowed: ["draft"] },
    });
  },
  /** What belongs to it is hidden at once, and removed by a job. */
  async releases({ ctx, store }, project) {
    await removeTags(ctx, project);
    await hideForRemoval(ctx, project);
    const [scope, projectId] = [jobScopeOf(store.scope), project._id];
    await ctx.scheduler.runAfter(0, internal.projects.removal.step, { scope, projectId });
    await ctx.scheduler.runAfter(60_000, internal.projects.removalGuard.look, { scope, projectId });
  },
};

async function nextCode({ ctx, store }: RuleContext, now: number): Promise<string> {
  const organization = await store.settings();
  const year = dayOf(now, organization.timeZone).slice(0, 4);
  const serial = await nextSerial(ctx, organization._id, `project:${year}`);
  return numberIn(organization, `PRJ-${year}-${serialText(serial)}`);
}

/**
 * Cancels a project, in whatever status, and takes it out of the lists; the audit trail keeps what
 * it was. One that is archived already stays as it is. @throws FORBIDDEN
 */
export async function archiveProject(
  { ctx, store }: Pick<RuleContext, "ctx" | "store">,
  project: Project,
): Promise<Project> {
  await requireWork(ctx, store.scope, project._id);
  if (project.lifecycle === "archived") return project;
  return await store.archive(project, {
    status: "cancelled",
    customProperties: { archivedAt: Date.now() },
  });
}
