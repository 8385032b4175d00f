import {
  type DataModelFromSchemaDefinition,
  type DocumentByName,
  type GenericDatabaseReader,
  type GenericMutationCtx,
  makeFunctionReference,
  mutationGeneric,
  type MutationBuilder,
  queryGeneric,
  type QueryBuilder,
} from "convex/server";
import { ConvexError, type GenericId, v } from "convex/values";
import {
  interpret,
  type Outcome,
  type Program,
  type Rows,
  stateOf,
  type Stored,
  type Table,
  TABLES,
} from "../program";
import type schema from "./schema";

type DataModel = DataModelFromSchemaDefinition<typeof schema>;
type Id = GenericId<Table>;
const query = queryGeneric as QueryBuilder<DataModel, "public">;
const mutation = mutationGeneric as MutationBuilder<DataModel, "public">;
const runRef = makeFunctionReference<"mutation", { program: Program }, Outcome>("programs:run");

const stored = (document: DocumentByName<DataModel, Table>): Stored<Id> => ({
  ...document,
  id: document._id,
});

function readerOf(
  db: GenericDatabaseReader<DataModel>,
): Pick<Rows<Id>, "range" | "search" | "count" | "get"> {
  return {
    range: async ({ table, low, high }) => {
      const span = db.query(table).withIndex("by_key", (q) => q.gte("key", low).lte("key", high));
      return (await span.collect()).map(stored);
    },
    search: async (table, word) =>
      await db
        .query(table)
        .withSearchIndex("search_text", (q) => q.search("text", word))
        .collect(),
    // What the published types leave out.
    count: async (table) => await (db.query(table) as unknown as Counted).count(),
    get: async (_table, id) => await db.get(id),
  };
}
type Counted = { count(): Promise<number> };

function rowsOf({ db, runMutation }: GenericMutationCtx<DataModel>): Rows<Id> {
  return {
    ...readerOf(db),
    insert: async (table, row) => {
      await db.insert(table, row);
    },
    patch: async (_table, id, change) => {
      await db.patch(id, change);
    },
    remove: async (_table, id) => {
      await db.delete(id);
    },
    nested: async (program) => {
      try {
        return { outcome: await runMutation(runRef, { program }), failed: false };
      } catch (error) {
        if (!(error instanceof ConvexError)) throw error;
        return { outcome: error.data as Outcome, failed: true };
      }
    },
  };
}

export const run = mutation({
  args: { program: v.any() },
  handler: async (ctx, args): Promise<Outcome> => {
    const program = args.program as Program;
    const outcome = await interpret(program, rowsOf(ctx));
    if (program.fails) throw new ConvexError(outcome);
    return outcome;
  },
});

export const state = query({
  args: {},
  handler: async (ctx) => await stateOf(readerOf(ctx.db)),
});

export const clear = mutation({
  args: {},
  handler: async (ctx) => {
    for (const table of TABLES) {
      for (const { _id } of await ctx.db.query(table).collect()) await ctx.db.delete(_id);
    }
  },
});
