import { CHANGED } from "../../ontology/definition";
import { field } from "../../ontology/fields";
import { defineMappedType, mappedColumns } from "../../ontology/mappedType";

const labelFields = {
  projectId: field.reference("project", { filter: "parentId" }).fixed,
  name: field.label(50, { isSearched: true }).required,
  color: field.color().optional,
};

/** What the tasks of a project are told apart by, such as "bug". */
export const taskLabelType = defineMappedType({
  type: "task_label",
  resource: "task label",
  area: "projects",
  subtypes: ["label"],
  statuses: ["active"],
  verbs: CHANGED,
  map: {
    shape: "flat",
    begins: { subtype: "label", status: "active" },
    hides: ["subtype", "status"],
    fields: labelFields,
  },
  belongsTo: "project",
  uniqueKeyIs: {
    field: "name",
    errorCode: "CONFLICT",
    message: "The project has a label of this name.",
  },
  columns({ customProperties: label }) {
    const { projectId, name } = label;
    return { ...mappedColumns(labelFields, label), lookupKey: `${projectId} ${labelKey(name)}` };
  },
});

/** Names that differ in case or in how they are written are one. */
export function labelKey(name: string): string {
  return name.normalize("NFKC").toLowerCase();
}
