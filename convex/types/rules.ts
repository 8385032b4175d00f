import { projectRules } from "./project/rules";

/** The types that have rules beside what their field maps say. */
export const rulesByType = { project: projectRules };
