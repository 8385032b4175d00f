import type { Id } from "../_generated/dataModel";
import { invalidFields } from "../kit/errors";
import type { TenantReader } from "../ontology/reader";

/** @throws VALIDATION_ERROR for one of another project */
export async function requireLabels(
  reader: TenantReader,
  projectId: Id<"objects">,
  labelIds: readonly Id<"objects">[],
): Promise<void> {
  for (const [at, id] of labelIds.entries()) {
    const label = await reader.require("task_label", id);
    if (label.customProperties.projectId === projectId) continue;
    throw invalidFields([{ field: `labelIds.${at}`, message: "is a label of another project" }]);
  }
}
