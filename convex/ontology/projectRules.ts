import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { packCustomFields } from "../kit/customFields";
import { ApiError, invalidFields } from "../kit/errors";
import { dayOf } from "../kit/localTime";
import type { ProjectCreation, ProjectUpdate } from "./projectInput";
import type { ObjectDoc, Properties } from "./registry";
import { nextSerial, numberIn, serialText } from "./serials";
import type { ObjectStore } from "./store";

type Project = ObjectDoc<"project">;
type ProjectProperties = Properties<"project">;

/** A new project is a draft, and has the next code of the organization and the year. */
export async function createProject(
  ctx: MutationCtx,
  store: ObjectStore,
  organization: Doc<"organizations">,
  { subtype, description, ...fields }: ProjectCreation,
): Promise<Project> {
  requireDatesInOrder(fields);
  const properties = await storedFields(store, fields);
  // Read last: from here on, concurrent creations of the organization wait for each other.
  const projectCode = await nextCode(ctx, organization, Date.now());
  return await store.insert("project", {
    subtype,
    status: "draft",
    ...(description === undefined ? {} : { description }),
    customProperties: {
      priority: "medium",
      progress: 0,
      contactIds: [],
      customFields: [],
      ...properties,
      name: fields.name,
      projectCode,
    },
  });
}

/** Given fields change, `null` clears; contacts and the caller's own fields are replaced as a whole. */
export async function changeProject(
  store: ObjectStore,
  project: Project,
  { subtype, status, description, ...fields }: ProjectUpdate,
): Promise<Project> {
  const properties = await storedFields(store, fields);
  requireDatesInOrder({ ...project.customProperties, ...properties });
  return await store.update(project, {
    ...(subtype === undefined ? {} : { subtype }),
    ...(status === undefined ? {} : { status }),
    ...(description === undefined ? {} : { description: description ?? undefined }),
    customProperties: properties,
  });
}

/**
 * Cancels a project, in whatever status, and takes it out of the lists; the audit trail keeps what
 * it was. One that is archived already stays as it is.
 */
export async function archiveProject(store: ObjectStore, project: Project): Promise<Project> {
  if (project.lifecycle === "archived") return project;
  return await store.archive(project, {
    status: "cancelled",
    customProperties: { archivedAt: Date.now() },
  });
}

/** @throws INVALID_STATE for a project that is no draft any more: that one is archived instead. */
export async function deleteProject(store: ObjectStore, project: Project): Promise<void> {
  const { status } = project;
  if (status !== "draft") {
    throw new ApiError("INVALID_STATE", `A ${status} project is not deleted; archive it.`, {
      details: { status, allowed: ["draft"] },
    });
  }
  await store.remove(project);
}

async function nextCode(
  ctx: MutationCtx,
  organization: Doc<"organizations">,
  now: number,
): Promise<string> {
  const year = dayOf(now, organization.timeZone).slice(0, 4);
  const serial = await nextSerial(ctx, organization._id, `project:${year}`);
  return numberIn(organization, `PRJ-${year}-${serialText(serial)}`);
}

type SentFields = Omit<ProjectUpdate, "subtype" | "status" | "description">;

/** As stored: `null` becomes "remove", and ids are those of living objects of the tenant. */
async function storedFields(
  store: ObjectStore,
  { clientOrgId, contactIds, customProperties, ...fields }: SentFields,
): Promise<Partial<ProjectProperties>> {
  const entries = Object.entries(fields).map(([name, value]) => [name, value ?? undefined]);
  return {
    ...(Object.fromEntries(entries) as Partial<ProjectProperties>),
    ...(clientOrgId === undefined ? {} : { clientOrgId: await clientOf(store, clientOrgId) }),
    ...(contactIds ? { contactIds: await contactsOf(store, contactIds) } : {}),
    ...(customProperties ? { customFields: packCustomFields(customProperties) } : {}),
  };
}

async function clientOf(
  store: ObjectStore,
  clientOrgId: string | null,
): Promise<Id<"objects"> | undefined> {
  return clientOrgId === null
    ? undefined
    : (await store.require("crm_organization", clientOrgId))._id;
}

async function contactsOf(store: ObjectStore, ids: string[]): Promise<Id<"objects">[]> {
  const contacts = [...new Set(ids)].map((id) => store.require("crm_contact", id));
  return (await Promise.all(contacts)).map(({ _id }) => _id);
}

/** @throws VALIDATION_ERROR */
function requireDatesInOrder(dates: {
  startDate?: number | null | undefined;
  targetEndDate?: number | null | undefined;
}): void {
  const { startDate, targetEndDate } = dates;
  if (typeof startDate !== "number" || typeof targetEndDate !== "number") return;
  if (targetEndDate >= startDate) return;
  throw invalidFields([{ field: "targetEndDate", message: "must not lie before startDate" }]);
}
