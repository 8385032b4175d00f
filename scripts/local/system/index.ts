/**
 * The deployment's own functions, under the names by which the `convex` command line and dashboards
 * call them. They run as the app's do, also as live queries, but only for who holds the admin key.
 */
import type { FunctionEntry } from "../runtime/modules";
import { canonicalName } from "../runtime/names";
import { functionsIn } from "../runtime/registered";
import * as components from "./components";
import * as convexUrl from "./convexUrl";
import * as environmentVariables from "./environmentVariables";
import * as exports from "./exports";
import * as imports from "./imports";
import * as modules from "./modules";
import * as tableData from "./tableData";
import * as tables from "./tables";

const MODULES: Record<string, Record<string, unknown>> = {
  "_system/cli/convexUrl": convexUrl,
  "_system/cli/exports": exports,
  "_system/cli/modules": modules,
  "_system/cli/queryEnvironmentVariables": environmentVariables,
  "_system/cli/queryImport": imports,
  "_system/cli/tableData": tableData,
  "_system/cli/tables": tables,
  "_system/frontend/components": components,
};

let entries: Map<string, FunctionEntry> | null = null;

export function systemFunction(name: string): FunctionEntry | undefined {
  entries ??= new Map(
    Object.entries(MODULES)
      .flatMap(([path, exports]) => functionsIn(path, exports))
      .map(({ description, invoke }) => [description.name, { ...description, invoke }]),
  );
  return entries.get(canonicalName(name));
}
