import { CHANGED } from "../../ontology/definition";
import { field } from "../../ontology/fields";
import { defineMappedType } from "../../ontology/mappedType";

/** What projects of a kind begin with; its tasks are rows of their own (templates/). */
export const projectTemplateType = defineMappedType({
  type: "project_template",
  resource: "project template",
  area: "projects",
  subtypes: ["template"],
  statuses: ["active"],
  verbs: CHANGED,
  map: {
    shape: "flat",
    begins: { subtype: "template", status: "active" },
    isDescribed: true,
    hides: ["subtype", "status"],
    fields: {
      name: field.label(200, { isSearched: true }).required,
      taskCount: field.number(0, Number.MAX_SAFE_INTEGER, {
        description: "So many tasks has a project that is made from it.",
      }).derived,
      roles: field.labels(200, 20, {
        description: "The seats of the team that it was made from, such as `lead` and `member`.",
      }).derived,
    },
  },
});
