/** Writes documents into an overlay together with everything that follows from them. */
import type { Catalogue, TableEntry } from "./catalogue";
import {
  checkFieldName,
  creationTimeOf,
  hasPlaceholder,
  idOf,
  integerJson,
  printDocument,
  readField,
  resolvePlaceholders,
  type StoredDocument,
} from "./documents";
import { changeEntries, type EntryWriter, overlayWriter } from "./entries";
import { encodeId, newInternalId } from "./ids";
import { encodeKey, isPending } from "./keys";
import type { Overlay } from "./overlay";
import { printValue } from "./print";
import type { DocumentJson } from "./types";
import { checkValue } from "./validate";
import type { View } from "./view";

export type WriteClock = {
  /** Milliseconds, higher with every call, also across restarts. */
  nextCreationTime(): number;
};

export type Written = StoredDocument & { id: string; readSize: number };

export class Writer {
  private readonly entries: EntryWriter;

  constructor(
    private readonly catalogue: Catalogue,
    private readonly view: View,
    private readonly writes: Overlay,
    private readonly clock: WriteClock,
  ) {
    this.entries = overlayWriter(writes, (index, key) => view.payload(index, key));
  }

  insert(tableName: string, value: DocumentJson, givenId?: string): { id: string; size: number } {
    const { table } = this.catalogue.ensureTable(tableName);
    if ("_id" in value || "_creationTime" in value) {
      throw new Error(
        "Provided document has a system field `_id` or `_creationTime`; Convex assigns both.",
      );
    }
    const creationTime = this.clock.nextCreationTime();
    const id = givenId ?? encodeId(table.number, newInternalId(creationTime));
    this.checkSchema(table, value);
    const document = { ...value, _id: id, _creationTime: creationTime };
    const { size } = this.put(table, id, null, document);
    this.writes.addCount(table.number, 1);
    return { id, size };
  }

  shallowMerge(table: TableEntry, id: string, value: DocumentJson): Written {
    const { stored, parsed } = this.existing(id, "Update");
    checkSystemFields(parsed, value);
    const fields = mergedFields(parsed, value);
    this.checkSchema(table, fields);
    const document = { ...fields, _id: id, _creationTime: creationTimeOf(parsed) };
    return { ...this.put(table, id, parsed, document), id, readSize: stored.size };
  }

  replace(table: TableEntry, id: string, value: DocumentJson): Written {
    const { stored, parsed } = this.existing(id, "Replace");
    checkSystemFields(parsed, value);
    const { _id: _, _creationTime: __, ...fields } = value;
    this.checkSchema(table, fields);
    const document = { ...fields, _id: id, _creationTime: creationTimeOf(parsed) };
    return { ...this.put(table, id, parsed, document), id, readSize: stored.size };
  }

  remove(table: TableEntry, id: string): Written {
    const { stored, parsed } = this.existing(id, "Delete");
    this.writes.setDocument(id, null);
    changeEntries(table, parsed, null, this.entries);
    this.writes.addCount(table.number, -1);
    return { ...stored, id, readSize: stored.size };
  }

  /** Replaces the placeholders in what was written, documents and entries, by the commit timestamp. */
  resolveCommitTs(commitTs: bigint): void {
    for (const [id, document] of this.writes.documents) {
      if (document === null || !hasPlaceholder(document.text)) continue;
      const text = resolvePlaceholders(document.text, commitTs);
      this.resolveSearch(id, fieldsOf(document), text);
      this.writes.setDocument(id, { text, size: document.size });
    }
    this.writes.resolveEntries(integerJson(commitTs));
  }

  /** Entries of a search hold digests of what they are filtered by, in which nothing can be replaced. */
  private resolveSearch(id: string, pending: DocumentJson, text: string): void {
    const table = this.catalogue.tableOfId(id);
    if (table === null) throw new Error(`The document ${id} belongs to no table.`);
    const indexes = table.indexes.filter(
      (index) =>
        index.kind === "search" &&
        index.filterFields.some((field) => isPending(encodeKey(readField(pending, field)))),
    );
    if (indexes.length === 0) return;
    changeEntries({ ...table, indexes }, pending, JSON.parse(text) as DocumentJson, this.entries);
  }

  private existing(id: string, verb: string): { stored: StoredDocument; parsed: DocumentJson } {
    const stored = this.view.document(id);
    if (stored === null) throw new Error(`${verb} on nonexistent document ID ${id}`);
    return { stored, parsed: fieldsOf(stored) };
  }

  private put(
    table: TableEntry,
    id: string,
    before: DocumentJson | null,
    after: DocumentJson,
  ): StoredDocument {
    const document = printDocument(after);
    this.writes.setDocument(id, document);
    changeEntries(table, before, after, this.entries);
    return document;
  }

  private checkSchema(table: TableEntry, fields: DocumentJson): void {
    if (!this.catalogue.schemaValidation || table.validator === null) return;
    const problem = checkValue(table.validator, fields, this.catalogue.tableName);
    if (problem === null) return;
    throw new Error(
      `Failed to insert or update a document in table "${table.name}" because it does not match ` +
        `the schema: ${problem}`,
    );
  }
}

function fieldsOf({ fields, text }: StoredDocument): DocumentJson {
  return fields ?? (JSON.parse(text) as DocumentJson);
}

/** What a patch makes of a document, without its system fields. */
function mergedFields(document: DocumentJson, patch: DocumentJson): DocumentJson {
  const fields: DocumentJson = {};
  for (const source of [document, patch]) {
    for (const field of Object.keys(source)) {
      if (isSystemField(field) || (source === document && Object.hasOwn(patch, field))) continue;
      const value = source[field];
      if (value === undefined || isUndefined(value)) continue;
      // Before it is set: `__proto__` would not become a field.
      if (source === patch) checkFieldName(field);
      fields[field] = value;
    }
  }
  return fields;
}

function isSystemField(field: string): boolean {
  return field === "_id" || field === "_creationTime";
}

function isUndefined(value: DocumentJson[string]): boolean {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && "$undefined" in value
  );
}

/** System fields may be given if they say what is so anyway: then they come from the document. */
function checkSystemFields(document: DocumentJson, value: DocumentJson): void {
  const { _id: id, _creationTime: creationTime } = value;
  if (id !== undefined && id !== document._id) {
    throw new Error(
      `Provided \`_id\` field value "${printBare(id)}" does not match the document ID ` +
        `"${idOf(document)}"`,
    );
  }
  if (creationTime !== undefined && creationTime !== document._creationTime) {
    throw new Error(
      `Provided \`_creationTime\` field value ${printBare(creationTime)} does not match the ` +
        `document's creation time ${creationTimeOf(document)}`,
    );
  }
}

function printBare(value: DocumentJson[string]): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : printValue(value);
}
