/** What an import would change, table by table, in the form in which Convex asks for confirmation. */
import type { TableDescription } from "../database/types";
import { UploadRefused } from "./staging";

export type Mode = "requireEmpty" | "append" | "replace" | "replaceAll";

export type TableChange = {
  name: string;
  added: number;
  existing: number;
  deleted: number;
  unit: "" | " files";
};

/** @throws UploadRefused where a table must be empty and is not */
export function tableChanges(
  incoming: readonly { name: string; rows: number }[],
  existing: readonly Pick<TableDescription, "name" | "documents">[],
  mode: Mode,
): TableChange[] {
  const counts = new Map(existing.map(({ name, documents }) => [name, documents]));
  const added = new Map(incoming.map(({ name, rows }) => [name, rows]));
  const names = new Set(added.keys());
  if (mode === "replaceAll") {
    for (const name of counts.keys()) if (name !== "_storage") names.add(name);
  }
  return [...names].sort().map((name) => {
    const documents = counts.get(name) ?? 0;
    if (mode === "requireEmpty" && documents > 0) {
      throw new UploadRefused(
        `Table ${name} already exists. Please choose a new table name or use replace/append modes.`,
      );
    }
    const deleted = mode === "replace" || mode === "replaceAll" ? documents : 0;
    const unit = name === "_storage" ? " files" : "";
    return { name, added: added.get(name) ?? 0, existing: documents, deleted, unit };
  });
}

export function confirmation(changes: readonly TableChange[]): string {
  const rows = [
    ["table", "create", "delete"],
    ...changes.map(({ name, added, deleted, existing, unit }) => [
      name,
      added.toLocaleString("en-US"),
      `${deleted.toLocaleString("en-US")} of ${existing.toLocaleString("en-US")}${unit}`,
    ]),
  ];
  const widths = [0, 1, 2].map((column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const lines = rows.map(
    (row) => `${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`,
  );
  const [head = "", ...rest] = lines;
  return ["Import change summary:", head, "-".repeat(head.length), ...rest].join("\n");
}
