import { objectTypes } from "../types";
import type { ObjectDoc, ObjectType } from "./registry";
import { type RecordView, viewOf } from "./view";

/** The types that devices have copies of: all but the portal's users. */
export type SyncedObjectType = Exclude<ObjectType, "frontend_user">;
export type SyncedDoc<T extends SyncedObjectType = SyncedObjectType> = ObjectDoc<T>;

/** `data` of a pulled or pushed change: the record's view, with its fields in `customProperties`. */
export type SyncRecord = {
  subtype: string;
  name: string;
  description?: string | null;
  status: string;
  customProperties: Record<string, unknown>;
};

export function isSyncedType(type: ObjectType): type is SyncedObjectType {
  return type !== "frontend_user";
}

export const SYNCED_TYPES = (Object.keys(objectTypes) as ObjectType[]).filter(isSyncedType) as [
  SyncedObjectType,
  ...SyncedObjectType[],
];

export function isSynced(object: ObjectDoc): object is SyncedDoc {
  return isSyncedType(object.type);
}

export function syncRecordOf(object: SyncedDoc): SyncRecord {
  const { subtype, name, description, status, customProperties, ...flat } = viewOf(
    object,
  ) as RecordView;
  const fields = customProperties ?? givenFields(flat);
  return {
    ...({ subtype, name } as Pick<SyncRecord, "subtype" | "name">),
    ...(description === undefined ? {} : { description: description as string | null }),
    ...({ status, customProperties: fields } as Pick<SyncRecord, "status" | "customProperties">),
  };
}

const BESIDE_FIELDS = new Set([
  ...["_id", "id", "organizationId", "type"],
  ...["createdBy", "version", "createdAt", "updatedAt"],
]);

/** Of a flat record: what stands beside its identity and stamps, as far as it has a value. */
function givenFields(flat: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(flat).filter(([name, value]) => !BESIDE_FIELDS.has(name) && value !== null),
  );
}
