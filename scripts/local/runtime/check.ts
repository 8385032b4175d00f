/** Arguments and results are held to the function's validators and to Convex's size. */
import type { JSONValue, ValidatorJSON } from "convex/values";
import { formatBytes } from "../database/limits";
import { checkValue, type TableNames } from "../database/validate";
import { Refusal } from "./errors";
import type { FunctionEntry } from "./modules";
import { displayName } from "./names";

const MAX_BYTES = 16 * 2 ** 20;

/** The arguments as the function takes them: a printed array of one object. */
export function checkArgs(entry: FunctionEntry, args: JSONValue, tables: TableNames): string {
  const text = `[${JSON.stringify(args)}]`;
  if (text.length > MAX_BYTES) {
    throw new Refusal(
      `Arguments for ${displayName(entry.name)} are too large (actual: ${formatBytes(text.length)}, limit: ${formatBytes(MAX_BYTES)})`,
      { forClients: true },
    );
  }
  if (entry.args !== null) {
    const problem = checkValue(entry.args as ValidatorJSON, args, tables);
    if (problem !== null) {
      throw new Refusal(`ArgumentValidationError: ${problem}`, { forClients: true });
    }
  }
  return text;
}

/** A result without a validator is passed on unread. */
export function checkReturn(entry: FunctionEntry, result: string, tables: TableNames): void {
  if (result.length > MAX_BYTES) {
    throw new Refusal(
      `Function ${displayName(entry.name)} return value is too large (actual: ${formatBytes(result.length)}, limit: ${formatBytes(MAX_BYTES)})`,
    );
  }
  if (entry.returns === null) return;
  const value = JSON.parse(result) as JSONValue;
  const problem = checkValue(entry.returns as ValidatorJSON, value, tables);
  if (problem !== null) throw new Refusal(`ReturnsValidationError: ${problem}`);
}
