import type { Value } from "convex/values";
import * as z from "zod";
import type { Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import type { Caller, CallerKind } from "../kit/caller";
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
import { once } from "../kit/once";
import { definitionOf } from "../ontology/derived";
import { schemasOf } from "../ontology/fieldSchemas";
import { mappedView } from "../ontology/fieldValues";
import { archiveParameter, listObjects, listParametersOf, listRequest } from "../ontology/list";
import { mapOf } from "../ontology/mapOf";
import { changeRecord, createRecord, removeRecord } from "../ontology/records";
import type { ObjectDoc, ObjectType } from "../ontology/registry";

/** The words of a type's routes; what they do comes from its definition. */
export type RouteWords = {
  /** Below `/api/v1`: `/projects`. */
  path: string;
  tag: string;
  /** As summaries say it: "a project", "projects". */
  one: string;
  many: string;
  /** Who reads, and who writes, beside staff and API keys. */
  readers?: readonly CallerKind[];
  writers?: readonly CallerKind[];
  /** What its records say beside their fields, by who asks: under the name of that whole, each in its place. */
  beside?: {
    name: string;
    shape: () => z.ZodRawShape;
    of: (
      ctx: QueryCtx,
      caller: Caller,
      objects: readonly ObjectDoc[],
    ) => Promise<Record<string, Value>[]>;
  };
  /** Parameters that the documented client sends as `undefined`. */
  saysUndefined?: readonly string[];
  descriptions?: Partial<Record<"list" | "create" | "update" | "remove", string>>;
  summaries?: Partial<Record<"remove", string>>;
  examples: { create: Record<string, unknown>; update: Record<string, unknown> };
  /** Whether objects are archived, and lists may ask for those too. */
  isArchived?: true;
  /**
   * Below another object's path, `/projects/:id/tasks`: whose objects alone are listed and found, and of
   * whom a new one is, by the field that names it.
   */
  within?: { type: ObjectType; param: string; field: string };
  /** Parameters of its list beside those of its columns, and what of them the caller means. */
  filters?: () => Record<string, z.ZodType>;
  meant?: (query: Record<string, unknown>, caller: Caller) => Record<string, unknown>;
  /** Whether a change may say `force: true`, see the type's rules. */
  isForceable?: true;
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
  const { area, removeScope } = definition;
  const map = mapOf(type);
  const schemas = schemasOf({ ...definition, map });
  const { path, tag, one, many, descriptions = {}, examples, within } = words;
  const item = `${path}/:${within?.param ?? "id"}`;
  // Where a name is taken, or there are as many as there may be.
  const mayConflict = definition.uniqueKeyIs !== undefined || definition.belongsTo !== undefined;
  const owner: { subject?: ObjectType } = within ? { subject: within.type } : {};
  const ofOwner = (subject: ObjectDoc | undefined): Record<string, Id<"objects">> =>
    within && subject ? { [within.field]: subject._id } : {};
  const placed = within ? { within: { type: within.type, param: within.param } } : {};
  const withoutOwner = <Shape extends z.ZodRawShape>(schema: z.ZodObject<Shape>): z.ZodObject =>
    within && Object.hasOwn(schema.shape, within.field)
      ? schema.omit({ [within.field]: true } as never)
      : schema;
  const callers = words.readers ? { callers: words.readers } : {};
  const writers = words.writers ? { callers: words.writers } : {};
  const { beside } = words;
  const record = once(() =>
    beside ? schemas.record.extend(beside.shape()).meta({ id: beside.name }) : schemas.record,
  );
  const shown = async (
    ctx: QueryCtx & { caller: Caller },
    objects: readonly ObjectDoc[],
  ): Promise<Record<string, Value>[]> => {
    const more = await beside?.of(ctx, ctx.caller, objects);
    return objects.map((object, at) => ({ ...mappedView(map, object), ...more?.[at] }));
  };
  const shownOne = async (
    ctx: QueryCtx & { caller: Caller },
    object: ObjectDoc,
  ): Promise<Record<string, Value>> => (await shown(ctx, [object]))[0] ?? {};
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
        ...owner,
        query: () =>
          withoutOwner(
            z.strictObject({
              ...schemas.filters,
              ...words.filters?.(),
              ...listParametersOf(type),
              ...(archived() as Archived),
            }),
          ),
        list: true,
        answers: { 200: () => z.array(record()) },
      },
      async (ctx, { query, subject }) => {
        const asked = {
          ...(words.meant?.(query, ctx.caller) ?? query),
          ...ofOwner(subject),
        };
        const { rows, meta } = await listObjects(ctx, ctx.caller, type, listRequest(type, asked));
        return ok(await shown(ctx, rows), { meta });
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
        ...writers,
        ...owner,
        body: () => withoutOwner(schemas.creation),
        example: examples.create,
        answers: { 201: record },
        errors: mayConflict ? ["NOT_FOUND", "CONFLICT"] : ["NOT_FOUND"],
      },
      async ({ store, ...ctx }, { body, subject }) => {
        const sent = { ...body, ...ofOwner(subject) };
        const object = await createRecord({ ctx, store }, type, sent);
        return created(await shownOne(ctx, object), { version: object.version });
      },
    ),
    get: readEndpoint(
      {
        method: "GET",
        path: item,
        tag,
        summary: `Get ${one}`,
        scope: `${area}:read`,
        ...callers,
        subject: type,
        ...placed,
        answers: { 200: record },
      },
      async (ctx, { subject }) => ok(await shownOne(ctx, subject), { version: subject.version }),
    ),
    update: writeEndpoint(
      {
        method: "PATCH",
        path: item,
        tag,
        summary: `Change ${one}`,
        ...described("update"),
        scope: `${area}:write`,
        ...writers,
        subject: type,
        ...placed,
        body: () => (words.isForceable ? schemas.patch.extend(forcing()) : schemas.patch),
        example: examples.update,
        answers: { 200: record },
        errors: ["INVALID_STATE"],
      },
      async ({ store, ...ctx }, { subject, body }) => {
        const { force, ...sent } = body as Record<string, unknown>;
        const changes = mergedChanges(schemas.update, subject.customProperties, sent);
        const isForced = force === true;
        const object = await changeRecord({ ctx, store, isForced }, subject, changes);
        return ok(await shownOne(ctx, object), { version: object.version });
      },
    ),
    remove: writeEndpoint(
      {
        method: "DELETE",
        path: item,
        tag,
        summary: words.summaries?.remove ?? `Delete ${one}`,
        ...described("remove"),
        scope: removeScope ?? `${area}:write`,
        ...writers,
        subject: type,
        ...placed,
        answers: { 204: null },
        errors: ["INVALID_STATE", "CONFLICT"],
      },
      async ({ store, ...ctx }, { subject }) => {
        await removeRecord({ ctx, store }, subject);
        return noContent;
      },
    ),
  };
}

/** Of a change that the type's rules warn of. */
export const forcing = once(() => ({
  force: z
    .boolean()
    .optional()
    .meta({ description: "Do it although open tasks stand in the way." }),
}));
