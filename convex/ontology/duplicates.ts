import * as z from "zod";
import type { Doc } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { badCursor, openCursor, sealCursor } from "../kit/page";
import type { TenantReader } from "./reader";
import type { ObjectDoc, ObjectType } from "./registry";
import { once } from "../kit/once";

/**
 * Objects that may be the same, in groups of what they have in common. Only keys that are shared are
 * read (matchKeys.ts), so a page costs its groups, whatever the tenant's size.
 */
export const MATCH_KINDS = ["email", "name", "phone"] as const;
export type MatchKind = (typeof MATCH_KINDS)[number];
const MEMBERS_SHOWN = 20;

export type DuplicateGroup<T extends ObjectType> = {
  by: MatchKind;
  key: string;
  members: ObjectDoc<T>[];
  /** There are more than are shown. */
  hasMore: boolean;
};

type Position = { kind: MatchKind; key: string };

export async function duplicatesOf<T extends ObjectType>(
  ctx: QueryCtx,
  reader: TenantReader,
  type: T,
  { by, limit, cursor }: { by?: MatchKind | undefined; limit: number; cursor?: string | undefined },
): Promise<{ groups: DuplicateGroup<T>[]; nextCursor: string | null }> {
  const listName = JSON.stringify(["duplicates", type, by ?? null]);
  let position: Position | null =
    cursor === undefined ? null : positionIn(openCursor(listName, cursor));
  const groups: DuplicateGroup<T>[] = [];
  const kinds = MATCH_KINDS.filter((kind) => by === undefined || kind === by);
  for (const kind of kinds) {
    if (position !== null && kind < position.kind) continue;
    for (;;) {
      const after: string = position?.kind === kind ? position.key : "";
      const found = await sharedAfter(ctx, reader, type, kind, after);
      if (found.length === 0) break;
      for (const rows of found) {
        if (groups.length === limit) {
          return { groups, nextCursor: sealCursor(listName, JSON.stringify(position)) };
        }
        groups.push(await groupOf(reader, type, kind, rows));
        position = { kind, key: rows[0].key };
      }
    }
  }
  return { groups, nextCursor: null };
}

type Rows = [Doc<"objectMatchKeys">, ...Doc<"objectMatchKeys">[]];

/** The rows of the next shared key, and of those after it that come along whole. */
async function sharedAfter(
  ctx: QueryCtx,
  { organizationId }: TenantReader,
  type: ObjectType,
  kind: MatchKind,
  after: string,
): Promise<Rows[]> {
  const rows = await ctx.db
    .query("objectMatchKeys")
    .withIndex("by_shared", (q) =>
      q
        .eq("organizationId", organizationId)
        .eq("type", type)
        .eq("isShared", true)
        .eq("kind", kind)
        .gt("key", after),
    )
    .take(MEMBERS_SHOWN + 1);
  const byKey = new Map<string, Rows>();
  for (const row of rows) {
    const same = byKey.get(row.key);
    if (same) same.push(row);
    else byKey.set(row.key, [row]);
  }
  const groups = [...byKey.values()];
  return rows.length > MEMBERS_SHOWN && groups.length > 1 ? groups.slice(0, -1) : groups;
}

async function groupOf<T extends ObjectType>(
  reader: TenantReader,
  type: T,
  kind: MatchKind,
  rows: Rows,
): Promise<DuplicateGroup<T>> {
  const [{ key }] = rows;
  const shown = rows.slice(0, MEMBERS_SHOWN);
  const found = await Promise.all(shown.map(({ objectId }) => reader.find(type, objectId)));
  const members = found.filter((member) => member !== null);
  return { by: kind, key, members, hasMore: rows.length > MEMBERS_SHOWN };
}

const positionFormat = once(() => z.object({ kind: z.enum(MATCH_KINDS), key: z.string() }));

/** @throws VALIDATION_ERROR */
function positionIn(text: string): Position {
  try {
    return positionFormat().parse(JSON.parse(text));
  } catch {
    throw badCursor();
  }
}
