import type { QueryCtx } from "../_generated/server";
import { type Caller, hasScope } from "../kit/caller";
import { columnsOf, definitionOf } from "../ontology/derived";
import { RELATION_COLUMNS } from "../ontology/columnNames";
import type { Tenant } from "../ontology/reader";
import type { ObjectDoc, ObjectType } from "../ontology/registry";
import { type Hit, questionIn } from "../ontology/searchedRows";
import { type Highlight, highlightsOf } from "./highlights";
import { hitsOf, OBJECT_TYPES } from "./hits";
import type { Match } from "./matching";

/** One line of a command palette. */
export type PaletteHit = {
  type: ObjectType;
  id: string;
  title: string;
  subtitle: string | null;
  projectId: string | null;
  score: number;
  highlights: Highlight[];
};

export const MAX_PALETTE = 20;
/** Of each type, so many of those that the host ranks first are compared. */
const READ = { most: 40, maxBytes: 512 * 1024 };
const MAX_SUBTITLE = 200;

/** The best hits of all types that the caller may read, or of those that are asked for. */
export async function paletteHits(
  ctx: QueryCtx,
  caller: Caller & Tenant,
  asked: { search: string; types: readonly ObjectType[] | undefined; limit: number },
): Promise<PaletteHit[]> {
  const question = await questionIn(ctx, caller.organizationId, asked.search);
  const types = OBJECT_TYPES.filter((type) => asked.types?.includes(type) ?? true);
  const found = await Promise.all(
    types
      .filter((type) => mayRead(caller, type))
      .map((type) => hitsOf(ctx, caller, type, question, READ)),
  );
  return found
    .flatMap(({ hits }): Hit[] => hits)
    .flatMap(({ object, match }) => (match ? [{ object, match }] : []))
    .sort((a, b) => b.match.score - a.match.score)
    .slice(0, asked.limit)
    .map(paletteHit);
}

/** Hits of what a key or role does not read are left out; of what a customer sees, their type's rule decides. */
function mayRead(caller: Caller, type: ObjectType): boolean {
  const { area, portal } = definitionOf(type);
  if (caller.kind === "portal_user" && !portal) return false;
  return hasScope(caller, `${area}:read`);
}

function paletteHit({ object, match }: { object: ObjectDoc; match: Match }): PaletteHit {
  const { searched } = columnsOf(object.type, object);
  const second = searched.find(({ text }) => text !== object.name);
  return {
    type: object.type,
    id: object._id,
    title: object.name,
    subtitle: second ? beginningOf(second.text) : null,
    projectId: projectOf(object),
    score: match.score,
    highlights: highlightsOf(object.type, match.found),
  };
}

function beginningOf(text: string): string {
  const characters = Array.from(text);
  return characters.length <= MAX_SUBTITLE
    ? text
    : `${characters.slice(0, MAX_SUBTITLE).join("")}…`;
}

/** The project that it belongs to, whichever column says so. */
function projectOf(object: ObjectDoc): string | null {
  const { owners = {} } = definitionOf(object.type);
  const column = RELATION_COLUMNS.find((name) => owners[name] === "project");
  return (column && object[column]) ?? null;
}
