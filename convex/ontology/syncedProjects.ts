import { parseFields } from "../kit/input";
import { ApiError } from "../kit/errors";
import { covers } from "../kit/scopes";
import { projectType } from "./project";
import { projectCreation, projectStatus, projectUpdate } from "./projectInput";
import { changeProject, createProject, deleteProject } from "./projectRules";
import { syncedType } from "./synced";

/** A caller's own fields stand among a project's `customProperties`; the schemas have them apart. */
export const syncedProject = syncedType({
  type: "project",
  references: ["clientOrgId", "contactIds.*"],
  creation: projectCreation,
  update: projectUpdate,
  input(sent, present) {
    const isOwn = (field: string): boolean =>
      !Object.hasOwn(projectUpdate.shape, field) &&
      !Object.hasOwn(projectType.properties.fields, field);
    const ownOf = (fields: Record<string, unknown>): [string, unknown][] =>
      Object.entries(fields).filter(([field]) => isOwn(field));
    const sentOwn = ownOf(sent);
    const others = Object.fromEntries(Object.entries(sent).filter(([field]) => !isOwn(field)));
    if (sentOwn.length === 0) return others;
    const own = Object.fromEntries([...ownOf(present), ...sentOwn]);
    const kept = Object.entries(own).filter(([, value]) => value !== null);
    return { ...others, customProperties: Object.fromEntries(kept) };
  },
  async create(context, fields) {
    return await createProject(context, context.store, context.organization, fields);
  },
  async change({ store }, project, fields) {
    return await changeProject(store, project, fields);
  },
  async become({ store }, project, status) {
    return await changeProject(store, project, {
      status: parseFields(projectStatus, status, { timeZone: null }, "status"),
    });
  },
  async remove({ store, grants }, project) {
    if (!covers(grants, "projects:delete")) {
      throw new ApiError("INSUFFICIENT_SCOPE", "Deleting a project takes projects:delete.", {
        details: { required: "projects:delete", granted: [...grants] },
      });
    }
    await deleteProject(store, project);
  },
});
