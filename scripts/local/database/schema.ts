/** Reads what `schema.export()` of `convex/server` prints, and refuses what Convex refuses. */
import type { JSONValue, ValidatorJSON } from "convex/values";
import {
  MAX_FILTER_FIELDS,
  MAX_IDENTIFIER_LENGTH,
  MAX_INDEX_FIELDS,
  MAX_INDEXES_PER_TABLE,
  MAX_SEARCH_INDEXES_PER_TABLE,
} from "./limits";
import { printValidator } from "./print";

export type IndexDefinition =
  | { kind: "database"; name: string; fields: string[] }
  | { kind: "search"; name: string; searchField: string; filterFields: string[] };

export type TableDefinition = {
  name: string;
  validator: ValidatorJSON;
  indexes: IndexDefinition[];
};

export type SchemaDefinition = { schemaValidation: boolean; tables: TableDefinition[] };

type IndexJson = { indexDescriptor: string; fields: string[] };
type SearchIndexJson = { indexDescriptor: string; searchField: string; filterFields: string[] };
type TableJson = {
  tableName: string;
  documentType: ValidatorJSON;
  indexes?: IndexJson[];
  searchIndexes?: SearchIndexJson[];
};
type SchemaJson = { tables: TableJson[]; schemaValidation?: boolean };

/** Accepts the exported text as well as what it parses to. Staged indexes are left out. */
export function readSchema(exported: JSONValue): SchemaDefinition {
  const json = typeof exported === "string" ? (JSON.parse(exported) as JSONValue) : exported;
  if (!isSchemaJson(json)) {
    throw new Error("Default export from schema file isn't a Convex schema.");
  }
  const schemaValidation = json.schemaValidation ?? true;
  const tables = json.tables.map((table) => readTable(table, schemaValidation));
  const names = new Set<string>();
  for (const { name } of tables) {
    if (names.has(name)) throw new Error(`Table "${name}" is defined twice in the schema.`);
    names.add(name);
  }
  return { schemaValidation, tables };
}

function isSchemaJson(json: JSONValue): json is JSONValue & SchemaJson {
  return (
    typeof json === "object" && json !== null && !Array.isArray(json) && Array.isArray(json.tables)
  );
}

function readTable(table: TableJson, schemaValidation: boolean): TableDefinition {
  const name = table.tableName;
  if (!isIdentifier(name)) {
    throw new Error(
      `Invalid table name: "${name}". Identifiers must start with a letter and can only ` +
        "contain letters, digits, and underscores.",
    );
  }
  checkDocumentType(table.documentType);
  const indexes: IndexDefinition[] = [
    ...(table.indexes ?? []).map(({ indexDescriptor, fields }) =>
      readIndex(name, indexDescriptor, fields),
    ),
    ...(table.searchIndexes ?? []).map((index) => readSearchIndex(name, index)),
  ];
  checkIndexSet(name, indexes);
  if (schemaValidation) checkIndexedFields(name, indexes, table.documentType);
  return { name, validator: table.documentType, indexes };
}

function isIdentifier(name: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_]*$/.test(name) && name.length <= MAX_IDENTIFIER_LENGTH;
}

function checkDocumentType(validator: ValidatorJSON): void {
  const members = validator.type === "union" ? validator.value : [validator];
  if (validator.type === "any" || members.every((member) => member.type === "object")) return;
  throw new Error(
    "The document validator in a schema must be an object, a union of objects, or `v.any()`. " +
      `Found ${printValidator(validator)}. To learn more, see the schema documentation at ` +
      "https://docs.convex.dev/database/schemas.",
  );
}

function checkIndexName(table: string, name: string): void {
  if (name.startsWith("_") || name === "by_id" || name === "by_creation_time") {
    throw new Error(
      `In table "${table}" cannot name an index "${name}" because the name is reserved. Indexes ` +
        'may not start with an underscore or be named "by_id" or "by_creation_time".',
    );
  }
  if (!isIdentifier(name)) {
    throw new Error(
      `Invalid index name: "${name}". Identifiers must be ${MAX_IDENTIFIER_LENGTH} characters or ` +
        "less, start with a letter, and only contain letters, digits, underscores.",
    );
  }
}

function readIndex(table: string, name: string, fields: string[]): IndexDefinition {
  checkIndexName(table, name);
  if (fields.length === 0) {
    throw new Error(`In table "${table}" index "${name}" must have at least one field.`);
  }
  if (fields.length > MAX_INDEX_FIELDS) {
    throw new Error(`Indexes may have up to ${MAX_INDEX_FIELDS} fields.`);
  }
  for (const [position, field] of fields.entries()) {
    if (field === "_id") {
      throw new Error(
        "`_id` is not a valid index field. To load documents by ID, use `db.get(id)`.",
      );
    }
    if (field === "_creationTime") {
      throw new Error(
        "`_creationTime` is automatically added to the end of each index. It should not be added " +
          "explicitly in the index definition. See https://docs.convex.dev/using/indexes for more " +
          "details.",
      );
    }
    if (field.startsWith("_")) {
      throw new Error("Reserved fields (starting with `_`) are not allowed in indexes.");
    }
    checkIndexField(name, field);
    if (fields.indexOf(field) !== position) {
      throw new Error(`Duplicate field ${field}. Index fields must be unique within an index.`);
    }
  }
  return { kind: "database", name, fields };
}

function checkIndexField(index: string, field: string): void {
  if (field.split(".").every((part) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(part))) return;
  throw new Error(`In index "${index}": Invalid index field: "${field}"`);
}

function readSearchIndex(table: string, json: SearchIndexJson): IndexDefinition {
  const name = json.indexDescriptor;
  checkIndexName(table, name);
  const filterFields = json.filterFields ?? [];
  if (filterFields.length > MAX_FILTER_FIELDS) {
    throw new Error(`Search indexes may have up to ${MAX_FILTER_FIELDS} filter fields.`);
  }
  for (const field of [json.searchField, ...filterFields]) checkIndexField(name, field);
  return { kind: "search", name, searchField: json.searchField, filterFields };
}

function checkIndexSet(table: string, indexes: IndexDefinition[]): void {
  const search = indexes.filter(({ kind }) => kind === "search").length;
  if (indexes.length - search > MAX_INDEXES_PER_TABLE) {
    throw new Error(`Table "${table}" cannot have more than ${MAX_INDEXES_PER_TABLE} indexes.`);
  }
  if (search > MAX_SEARCH_INDEXES_PER_TABLE) {
    throw new Error(
      `Table "${table}" cannot have more than ${MAX_SEARCH_INDEXES_PER_TABLE} search indexes.`,
    );
  }
  const names = new Set<string>();
  const contents = new Map<string, string>();
  for (const index of indexes) {
    if (names.has(index.name)) {
      throw new Error(`Table "${table}" has two or more definitions of index "${index.name}".`);
    }
    names.add(index.name);
    const content =
      index.kind === "database" ? index.fields.join(",") : `search ${index.searchField}`;
    const twin = contents.get(content);
    if (twin !== undefined) throw new Error(describeTwins(table, index, twin));
    contents.set(content, index.name);
  }
}

function describeTwins(table: string, index: IndexDefinition, twin: string): string {
  return index.kind === "database"
    ? `In table "${table}" index "${twin}" and index "${index.name}" have the same fields. ` +
        "Indexes must be unique within a table."
    : `In table "${table}" search index "${twin}" and search index "${index.name}" have the same ` +
        "`searchField`. Search index fields must be unique within a table.";
}

function checkIndexedFields(
  table: string,
  indexes: IndexDefinition[],
  validator: ValidatorJSON,
): void {
  for (const index of indexes) {
    const fields =
      index.kind === "database" ? index.fields : [index.searchField, ...index.filterFields];
    for (const field of fields) {
      if (field === "_id" || field === "_creationTime") continue;
      if (!canContain(validator, field.split("."))) {
        throw new Error(
          `In table "${table}" the index "${index.name}" is invalid because it references the ` +
            `field ${field} that does not exist.`,
        );
      }
    }
  }
}

function canContain(validator: ValidatorJSON, path: string[]): boolean {
  const [field, ...rest] = path;
  if (field === undefined || validator.type === "any") return true;
  switch (validator.type) {
    case "union":
      return validator.value.some((member) => canContain(member, path));
    case "record":
      return canContain(validator.values.fieldType, rest);
    case "object": {
      const found = validator.value[field];
      return found !== undefined && canContain(found.fieldType, rest);
    }
    default:
      return false;
  }
}
