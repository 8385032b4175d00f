import { objectTypes } from "../types";
import type { ObjectDoc, ObjectType } from "./registry";
import { nestedViewOf, type RecordView } from "./view";

/** The types that devices have copies of: all but the portal's users, and templates. */
export type SyncedObjectType = Exclude<ObjectType, "frontend_user" | "project_template">;
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
  return type !== "frontend_user" && type !== "project_template";
}

export const SYNCED_TYPES = (Object.keys(objectTypes) as ObjectType[]).filter(isSyncedType) as [
  SyncedObjectType,
  ...SyncedObjectType[],
];

export function isSynced(object: ObjectDoc): object is SyncedDoc {
  return isSyncedType(object.type);
}

export function syncRecordOf(object: SyncedDoc): SyncRecord {
  // Also where callers are not shown them, since there is only one.
  const { subtype, status } = object;
  const { name, description, customProperties } = nestedViewOf(object) as RecordView;
  return {
    ...{ subtype, name, ...(description === undefined ? {} : { description }) },
    ...{ status, customProperties },
  } as SyncRecord;
}
