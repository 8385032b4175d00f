/** The environment variables that were set with `convex env set`: rows of a system table. */
import type { Transaction } from "./database/types";
import { systemRows } from "./system/call";

export type Variable = { name: string; value: string };
/** A value of null takes the variable away. */
export type VariableChange = { name: string; value: string | null };

const TABLE = "_environment_variables";

/** Convex's documented limits. */
const MAX_VARIABLES = 1_000;
const MAX_NAME_LENGTH = 256;
const MAX_VALUE_BYTES = 8 * 2 ** 10;
/** Set by the deployment itself. */
const BUILT_IN = new Set(["CONVEX_CLOUD_URL", "CONVEX_SITE_URL"]);

export class InvalidVariable extends Error {}

export function readVariables(tx: Transaction): Variable[] {
  return [...systemRows<Row>(tx, TABLE)]
    .map(variableOf)
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

export function readVariable(tx: Transaction, name: string): Variable | null {
  const row = rowOf(tx, name);
  return row === null ? null : variableOf(row);
}

/** Makes all changes or, when one of them is not allowed, none. @throws InvalidVariable */
export function changeVariables(tx: Transaction, changes: readonly VariableChange[]): void {
  for (const change of changes) {
    checkChange(change);
    const row = rowOf(tx, change.name);
    if (row !== null) tx.system.remove(row._id);
    const { name, value } = change;
    if (value !== null) tx.system.insert(TABLE, { name, value });
  }
  const count = [...systemRows(tx, TABLE)].length;
  if (count > MAX_VARIABLES) {
    throw new InvalidVariable(
      `There may be at most ${MAX_VARIABLES} environment variables; this would make ${count}`,
    );
  }
}

function checkChange({ name, value }: VariableChange): void {
  if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name) || name.length > MAX_NAME_LENGTH) {
    throw new InvalidVariable(
      `"${name.slice(0, MAX_NAME_LENGTH)}" is not the name of an environment variable: names start ` +
        `with a letter, contain only letters, numbers and underscores, and have at most ` +
        `${MAX_NAME_LENGTH} characters`,
    );
  }
  if (BUILT_IN.has(name)) {
    throw new InvalidVariable(`${name} is set by the deployment and cannot be changed`);
  }
  const bytes = Buffer.byteLength(value ?? "");
  if (bytes > MAX_VALUE_BYTES) {
    throw new InvalidVariable(
      `The value of ${name} is too large (${bytes} bytes > maximum ${MAX_VALUE_BYTES})`,
    );
  }
}

type Row = Variable & { _id: string };

function rowOf(tx: Transaction, name: string): Row | null {
  const [row] = systemRows<Row>(tx, TABLE, { index: "by_name", field: "name", value: name });
  return row ?? null;
}

function variableOf({ name, value }: Row): Variable {
  return { name, value };
}
