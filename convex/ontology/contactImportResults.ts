import type { Doc } from "../_generated/dataModel";
import type { Problem } from "../kit/errors";
import type { ItemResult } from "./batch";
import { NOT_KEPT } from "./contactRow";

/** What became of a row, as it is kept: a step's rows are one document, of at most 1 MiB. */
export type RowResult = Doc<"contactImportResults">["results"][number];
type Told = { path?: string; message: string };

/** Of a row; of what one of them says. */
const MAX_TOLD = 10;
const MAX_PATH_LENGTH = 80;
const MAX_MESSAGE_LENGTH = 200;
/** Names that an import sums up. */
const MAX_IGNORED = 200;

/** @param left what the row says that a contact has no place for */
export function resultOf(result: ItemResult, left: readonly Problem[]): RowResult {
  if (result.status !== "error") {
    return left.length === 0 ? result : { ...result, warnings: bounded(left) };
  }
  const { details, message } = result.error;
  const problems = Array.isArray(details) ? (details as Problem[]).map(toldOf) : [];
  return { status: "error", problems: bounded(problems.length > 0 ? problems : [{ message }]) };
}

/** What is wrong with a row as a whole has no path. */
function toldOf({ path, message }: Problem): Told {
  return path === "" ? { message } : { path, message };
}

function bounded<Each extends Told>(list: readonly Each[]): Each[] {
  const more = list.length - MAX_TOLD;
  return list.slice(0, MAX_TOLD).map((each, index) => ({
    ...each,
    ...(each.path === undefined ? {} : { path: each.path.slice(0, MAX_PATH_LENGTH) }),
    message:
      each.message.slice(0, MAX_MESSAGE_LENGTH) +
      (index === MAX_TOLD - 1 && more > 0 ? `; and ${more} more` : ""),
  }));
}

/** Names of a vCard's properties that are not kept, as they come up. */
export function ignoredIn(known: readonly string[], results: readonly RowResult[]): string[] {
  const names = results
    .flatMap(({ warnings = [] }) => warnings)
    .flatMap(({ path, message }) => (message.split(";")[0] === NOT_KEPT ? [path] : []));
  return [...new Set([...known, ...names])].slice(0, MAX_IGNORED);
}
