import * as z from "zod";
import type { CallerKind } from "../kit/caller";
import {
  created,
  noContent,
  ok,
  readEndpoint,
  type ReadFunction,
  writeEndpoint,
  type WriteFunction,
} from "../kit/endpoint";
import { mergedChanges } from "../kit/mergePatch";
import type { Area } from "../kit/scopes";
import { definitionOf } from "../ontology/derived";
import { schemasOf } from "../ontology/fieldSchemas";
import { mappedView } from "../ontology/fieldValues";
import { archiveParameter, listObjects, listParametersOf, listRequest } from "../ontology/list";
import { mapOf } from "../ontology/mapOf";
import { changeRecord, createRecord, removeRecord } from "../ontology/records";
import type { ObjectType } from "../ontology/registry";

/** The words of a type's routes; what they do comes from its definition. */
export type RouteWords = {
  /** Below `/api/v1`: `/projects`. */
  path: string;
  tag: string;
  /** Whose scopes its callers need: `projects:read`. */
  area: Area;
  /** As summaries say it: "a project", "projects". */
  one: string;
  many: string;
  /** Who reads beside staff and API keys. */
  readers?: readonly CallerKind[];
  /** Parameters that the documented client sends as `undefined`. */
  saysUndefined?: readonly string[];
  descriptions?: Partial<Record<"list" | "create" | "update" | "remove", string>>;
  summaries?: Partial<Record<"remove", string>>;
  examples: { create: Record<string, unknown>; update: Record<string, unknown> };
  /** Whether objects are archived, and lists may ask for those too. */
  isArchived?: true;
};

/** The functions of a type's routes. */
export type TypeEndpoints = Record<"list" | "get", ReadFunction> &
  Record<"create" | "update" | "remove", WriteFunction>;

/**
 * The routes of a type with a field map: list, create, get, update, remove. Each is an export of the
 * module that mounts them, as Convex needs it: `export const { list, create, … } = endpointsOf(…)`.
 */
export function endpointsOf(type: ObjectType, words: RouteWords): TypeEndpoints {
  const definition = definitionOf(type);
  const { removeScope } = definition;
  const map = mapOf(type);
  const schemas = schemasOf({ ...definition, map });
  const { path, tag, area, one, many, descriptions = {}, examples } = words;
  const callers = words.readers ? { callers: words.readers } : {};
  // Where there is no such parameter, there is no such value: the type allows that too.
  type Archived = ReturnType<typeof archiveParameter>;
  const archived = (): Partial<Archived> => (words.isArchived ? archiveParameter() : {});
  const described = (name: keyof typeof descriptions): { description?: string } => {
    const description = descriptions[name];
    return description === undefined ? {} : { description };
  };
  return {
    list: readEndpoint(
      {
        method: "GET",
        path,
        tag,
        summary: `List or search ${many}`,
        ...described("list"),
        scope: `${area}:read`,
        ...callers,
        ...(words.saysUndefined ? { saysUndefined: words.saysUndefined } : {}),
        query: () =>
          z.strictObject({
            ...schemas.filters,
            ...listParametersOf(type),
            ...(archived() as Archived),
          }),
        list: true,
        answers: { 200: () => z.array(schemas.record) },
      },
      async (ctx, { query }) => {
        const { rows, meta } = await listObjects(ctx, ctx.caller, type, listRequest(type, query));
        return ok(
          rows.map((row) => mappedView(map, row)),
          { meta },
        );
      },
    ),
    create: writeEndpoint(
      {
        method: "POST",
        path,
        tag,
        summary: `Create ${one}`,
        ...described("create"),
        scope: `${area}:write`,
        body: () => schemas.creation,
        example: examples.create,
        answers: { 201: () => schemas.record },
        errors: ["NOT_FOUND"],
      },
      async ({ store, ...ctx }, { body }) => {
        const object = await createRecord({ ctx, store }, type, body);
        return created(mappedView(map, object), { version: object.version });
      },
    ),
    get: readEndpoint(
      {
        method: "GET",
        path: `${path}/:id`,
        tag,
        summary: `Get ${one}`,
        scope: `${area}:read`,
        ...callers,
        subject: type,
        answers: { 200: () => schemas.record },
      },
      async (_ctx, { subject }) => ok(mappedView(map, subject), { version: subject.version }),
    ),
    update: writeEndpoint(
      {
        method: "PATCH",
        path: `${path}/:id`,
        tag,
        summary: `Change ${one}`,
        ...described("update"),
        scope: `${area}:write`,
        subject: type,
        body: () => schemas.patch,
        example: examples.update,
        answers: { 200: () => schemas.record },
        errors: ["INVALID_STATE"],
      },
      async ({ store }, { subject, body }) => {
        const changes = mergedChanges(schemas.update, subject.customProperties, body);
        const object = await changeRecord(store, subject, changes);
        return ok(mappedView(map, object), { version: object.version });
      },
    ),
    remove: writeEndpoint(
      {
        method: "DELETE",
        path: `${path}/:id`,
        tag,
        summary: words.summaries?.remove ?? `Delete ${one}`,
        ...described("remove"),
        scope: removeScope ?? `${area}:write`,
        subject: type,
        answers: { 204: null },
        errors: ["INVALID_STATE", "CONFLICT"],
      },
      async ({ store }, { subject }) => {
        await removeRecord(store, subject);
        return noContent;
      },
    ),
  };
}
