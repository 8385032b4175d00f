import * as z from "zod";
import type { CallerKind } from "../kit/caller";
import { ok, readEndpoint, type ReadFunction } from "../kit/endpoint";
import { once } from "../kit/once";
import { pageOfAll } from "../kit/page";
import { pageParameters } from "../kit/pageParameters";
import { text } from "../kit/text";
import { columnsOf, definitionOf } from "../ontology/derived";
import { schemasOf } from "../ontology/fieldSchemas";
import { mappedView } from "../ontology/fieldValues";
import { archiveParameter, listRequest, nameOf } from "../ontology/list";
import { mapOf } from "../ontology/mapOf";
import type { ObjectType } from "../ontology/registry";
import { MAX_HITS, questionIn } from "../ontology/searchedRows";
import { highlightsOf } from "./highlights";
import { hitsOf } from "./hits";
import { matchOf } from "./matching";

export const searchTag = "Search";

/** What is searched for, in each search. */
export const searchedText = once(() =>
  text(200).meta({
    description:
      "Words, numbers, e-mails or phone numbers; what the last one begins is found as well.",
  }),
);

export const highlight = once(() =>
  z.object({
    field: z.string().meta({ description: "The field of the record: `billTo.name`." }),
    text: z
      .string()
      .meta({ description: "Plain text; of a long one, the part around what was found." }),
    ranges: z
      .array(z.tuple([z.number().int(), z.number().int()]))
      .meta({ description: "Where it was found in `text`, in UTF-16 units, end excluded." }),
  }),
);

/**
 * `GET /search/<type>`: the records of a type with a field map that answer `q`, by relevance, each with what
 * was found in it; with the filters of its list, and paged as lists are.
 */
export function searchEndpointOf(
  type: ObjectType,
  words: { path: string; many: string; readers?: readonly CallerKind[]; isArchived?: true },
): ReadFunction {
  const definition = definitionOf(type);
  const map = mapOf(type);
  const schemas = schemasOf({ ...definition, map });
  // Where there is no such parameter, there is no such value: the type allows that too.
  type Archived = ReturnType<typeof archiveParameter>;
  const archived = (): Partial<Archived> => (words.isArchived ? archiveParameter() : {});
  return readEndpoint(
    {
      method: "GET",
      path: words.path,
      tag: searchTag,
      summary: `Search ${words.many}`,
      description: `By relevance, at most ${MAX_HITS} hits; what is found and how: docs/search.md.`,
      scope: `${definition.area}:read`,
      ...(words.readers ? { callers: words.readers } : {}),
      query: () =>
        z.strictObject({
          q: searchedText(),
          ...schemas.filters,
          ...pageParameters(),
          ...(archived() as Archived),
        }),
      list: true,
      answers: { 200: () => z.array(schemas.record.extend({ highlights: z.array(highlight()) })) },
    },
    async (ctx, { query: { q: search, ...query } }) => {
      const { caller } = ctx;
      const request = listRequest(type, { ...query, search });
      const question = await questionIn(ctx, caller.organizationId, search);
      const { selection, paging } = request;
      const found = await hitsOf(ctx, caller, type, question, { selection });
      const { rows, meta } = pageOfAll(nameOf(type, request), paging, found.hits, found.isCapped);
      const records = rows.map(({ object, match }) => {
        const { searched } = columnsOf(object.type, object);
        const highlights = highlightsOf(type, (match ?? matchOf(question, searched))?.found ?? []);
        return { ...mappedView(map, object), highlights };
      });
      return ok(records, { meta });
    },
  );
}
