import { commentRules } from "./comment/rules";
import { projectRules } from "./project/rules";
import { projectTemplateRules } from "./projectTemplate/rules";
import { taskRules } from "./task/rules";
import { taskLabelRules } from "./taskLabel/rules";

/** The types that have rules beside what their field maps say. */
export const rulesByType = {
  project: projectRules,
  project_template: projectTemplateRules,
  task: taskRules,
  task_label: taskLabelRules,
  comment: commentRules,
};
