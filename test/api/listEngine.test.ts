import type { PaginationResult } from "convex/server";
import { compareValues } from "convex/values";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import type { Doc, Id } from "../../convex/_generated/dataModel";
import type { MutationCtx } from "../../convex/_generated/server";
import { sealCursor } from "../../convex/kit/page";
import { CountBuffer } from "../../convex/ontology/counts";
import {
  type FilterColumn,
  type RelationColumn,
  RELATION_COLUMNS,
} from "../../convex/ontology/columnNames";
import { type RangeColumn, type SortColumn } from "../../convex/ontology/definition";
import { ANY_TYPE } from "../../convex/ontology/definition";
import { definitionOf, talliesOf } from "../../convex/ontology/derived";
import { objectTypes, type ObjectType } from "../../convex/ontology/registry";
import { SelectedRows } from "../../convex/ontology/selectedRows";
import { isSelected, type Selection } from "../../convex/ontology/selection";
import { type Fixture, newBackend } from "../helpers/backend";

/** Lists against a naive filter and sort over everything, for every type, subset of filters and order. */

type Row = Doc<"objects">;

const HOUR = 3_600_000;
const FIRST = Date.UTC(2026, 0, 1);
const SORTS: readonly SortColumn[] = [
  ...(["createdAt", "updatedAt", "sortName", "documentDate", "dueAt", "lookupKey"] as const),
];
const RANGES: readonly RangeColumn[] = ["createdAt", "updatedAt", "documentDate", "dueAt"];
const COLUMNS: readonly FilterColumn[] = [
  ...(["status", "subtype", "facet", "parentId", "relatedId", "subjectId", "lookupKey"] as const),
];
const ROWS = 90;

let home: Fixture;
/** Two objects of each type that others may belong to. */
let owners: Map<string, Id<"objects">[]>;
/** Those that a type's objects may belong to by a column. */
function ownersIn(type: ObjectType, column: RelationColumn): Id<"objects">[] {
  const unused = { parentId: "project", relatedId: "project", subjectId: "invoice" };
  return owners.get(definitionOf(type).owners?.[column] ?? unused[column]) ?? [];
}
/** One object of each type, as the API made it. */
let examples: Map<ObjectType, Row>;

beforeAll(async () => {
  home = await newBackend();
  const made = async (path: string, body: object): Promise<string> => {
    const answer = await home.request("POST", path, { body });
    expect(answer.status, answer.text).toBeLessThan(300);
    return answer.body.data?.id ?? answer.body.contactId;
  };
  for (const name of ["Doe", "Roe"]) {
    await made("/crm/contacts", { lastName: name, email: `${name}@x.test` });
    await made("/crm/organizations", { name });
  }
  const project = { name: "Site", subtype: "client_project", startDate: "2026-01-01" };
  await made("/projects", project);
  await made("/projects", project);
  const sale = {
    type: "b2c_single",
    billTo: { name: "Zoe", email: "zoe@x.test" },
    lineItems: [{ description: "Work", quantity: 1, unitPriceInCents: 100 }],
  };
  await made("/invoices", sale);
  const invoice = await made("/invoices", sale);
  await made("/quotes", { ...sale, validUntil: "2030-01-01" });
  await home.request("POST", `/invoices/${invoice}/send`);
  await home.request("POST", `/invoices/${invoice}/pay`, { body: { paymentMethod: "cash" } });
  const objects = await home.backend.run(async (ctx) => await ctx.db.query("objects").collect());
  examples = new Map(objects.map((object) => [object.type, object]));
  owners = new Map(
    [...examples.keys()].map((type) => [
      type,
      objects.filter((object) => object.type === type).map(({ _id }) => _id),
    ]),
  );
});

type Kind = {
  lifecycle: "live" | "archived" | "deleted";
  status: number;
  subtype: number;
  facet: number | null;
  owner: (number | null)[];
  lookupKey: number | null;
  at: number[];
};

const kind: fc.Arbitrary<Kind> = fc.record({
  lifecycle: fc.constantFrom("live", "live", "live", "live", "archived", "deleted"),
  status: fc.nat(2),
  subtype: fc.nat(2),
  facet: fc.option(fc.nat(2)),
  owner: fc.array(fc.option(fc.nat(1)), { minLength: 3, maxLength: 3 }),
  lookupKey: fc.option(fc.nat(30)),
  at: fc.array(fc.nat(40), { minLength: 4, maxLength: 4 }),
});

const facets = ["low", "medium", "high"];

function rowOf(type: ObjectType, like: Row, kind: Kind): Omit<Row, "_id" | "_creationTime"> {
  const { statuses, subtypes } = objectTypes[type];
  const [createdAt = 0, updatedAt = 0, documentDate = 0, dueAt = 0] = kind.at.map(
    (hours) => FIRST + hours * HOUR,
  );
  const [parentId, relatedId, subjectId] = RELATION_COLUMNS.map((column, of) => {
    const at = kind.owner[of] ?? null;
    return at === null ? undefined : ownersIn(type, column)[at];
  });
  const { _id, _creationTime, commitTs: _commitTs, ...fields } = like;
  return {
    ...fields,
    ...{ lifecycle: kind.lifecycle, createdAt, updatedAt, sortName: `n${kind.at[0]}` },
    status: statuses[kind.status % statuses.length],
    subtype: subtypes[kind.subtype % subtypes.length],
    facet: kind.facet === null ? undefined : facets[kind.facet],
    ...{ parentId, relatedId, subjectId },
    lookupKey: kind.lookupKey === null ? undefined : `k${kind.lookupKey}`,
    documentDate: kind.at[2] === 0 ? undefined : documentDate,
    dueAt: kind.at[3] === 0 ? undefined : dueAt,
    searchText: "",
  } as unknown as Omit<Row, "_id" | "_creationTime">;
}

async function insert(
  ctx: MutationCtx,
  rows: readonly Omit<Row, "_id" | "_creationTime">[],
): Promise<Row[]> {
  const counts = new CountBuffer();
  const inserted: Row[] = [];
  for (const row of rows) {
    const id = await ctx.db.insert("objects", { ...row, commitTs: ctx.db.vars.commitTs } as never);
    const object = await ctx.db.get("objects", id);
    if (!object) throw new Error("It has not been inserted.");
    inserted.push(object);
    if (object.lifecycle === "deleted") continue;
    for (const tally of talliesOf(object)) counts.add(tally, 1);
  }
  await counts.flush(ctx, home.organizationId);
  return inserted;
}

/** Another organization's rows of the type, made anew: nothing of them may ever be listed. */
async function fill(type: ObjectType, kinds: readonly Kind[]): Promise<Row[]> {
  const like = examples.get(type);
  if (!like) throw new Error(`There is no ${type}.`);
  return await home.backend.mutation(async (ctx) => {
    const before = ctx.db
      .query("objects")
      .withIndex("by_commit", (q) => q.eq("organizationId", home.organizationId));
    for (const row of await before.collect()) {
      if (row.type === type) await ctx.db.delete("objects", row._id);
    }
    for (const table of ["counts", "countDeltas"] as const) {
      for (const row of await ctx.db.query(table).collect()) {
        if (row.group.includes(type)) await ctx.db.delete(table, row._id);
      }
    }
    return await insert(
      ctx,
      kinds.map((one) => rowOf(type, like, one)),
    );
  });
}

function naive(rows: readonly Row[], type: ObjectType, selection: Selection): string[] {
  const { column, order } = selection.sort;
  const keyOf = (row: Row): (string | number | undefined)[] => [
    row[column],
    row._creationTime,
    row._id,
  ];
  const compare = (a: Row, b: Row): number =>
    keyOf(a)
      .map((value, at) => compareValues(value, keyOf(b)[at]))
      .find((result) => result !== 0) ?? 0;
  const sorted = rows.filter((row) => isSelected(row, type, selection)).sort(compare);
  const ids = sorted.map(({ _id }) => _id);
  return order === "asc" ? ids : ids.reverse();
}

type Drawn = {
  columns: FilterColumn[];
  values: number[];
  ranges: { column: RangeColumn; from: number | null; to: number | null }[];
  sort: SortColumn;
  isAscending: boolean;
  includeArchived: boolean;
  limit: number;
};

const drawn: fc.Arbitrary<Drawn> = fc.record({
  columns: fc.subarray([...COLUMNS], { maxLength: 4 }),
  values: fc.array(fc.nat(3), { minLength: 7, maxLength: 14 }),
  ranges: fc.uniqueArray(
    fc.record({
      column: fc.constantFrom(...RANGES),
      from: fc.option(fc.nat(40)),
      to: fc.option(fc.nat(40)),
    }),
    { maxLength: 2, selector: ({ column }) => column },
  ),
  sort: fc.constantFrom(...SORTS),
  isAscending: fc.boolean(),
  includeArchived: fc.boolean(),
  limit: fc.constantFrom(4, 20, 200),
});

function selectionOf(type: ObjectType, drawn: Drawn): Selection {
  const valuesOf = (column: FilterColumn, at: number): string => {
    const { statuses, subtypes }: { statuses: readonly string[]; subtypes: readonly string[] } =
      objectTypes[type];
    const of: Partial<Record<FilterColumn, readonly string[]>> = {
      status: statuses,
      subtype: subtypes,
      facet: facets,
      lookupKey: ["k1", "k2", "k3", "nobody"],
    };
    const all = of[column] ?? ownersIn(type, column as RelationColumn);
    return all[at % all.length] ?? "";
  };
  const filters = Object.fromEntries(
    drawn.columns.map((column, at) => {
      const values = [drawn.values[at], drawn.values[at + 7]].filter((v) => v !== undefined);
      return [column, [...new Set(values.map((value) => valuesOf(column, value)))]];
    }),
  );
  const timeOf = (hours: number | null): number | undefined =>
    hours === null ? undefined : FIRST + hours * HOUR;
  const ranges = Object.fromEntries(
    drawn.ranges
      .filter(({ from, to }) => from !== null || to !== null)
      .map(({ column, from, to }) => [column, { from: timeOf(from), to: timeOf(to) }]),
  );
  const sort = { column: drawn.sort, order: drawn.isAscending ? "asc" : "desc" } as const;
  return { filters, ranges, sort, includeArchived: drawn.includeArchived };
}

/** The pages from the start to the end; each may be short, but none is longer than asked for. */
async function paged(type: ObjectType, selection: Selection, limit: number): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  for (let turn = 0; turn < 1000; turn++) {
    const from: string | null = cursor;
    const page: PaginationResult<Row> = await home.backend.run(async (ctx) => {
      const rows = new SelectedRows(ctx, home.organizationId, type, selection);
      return await rows.paginate({ numItems: limit, cursor: from });
    });
    expect(page.page.length).toBeLessThanOrEqual(limit);
    ids.push(...page.page.map(({ _id }) => _id));
    if (page.isDone) return ids;
    cursor = page.continueCursor;
  }
  throw new Error("The list does not end.");
}

describe.each(["crm_contact", "invoice", "payment"] as const)("%s", (type) => {
  test("any filters, ranges and order give what a filter and sort over all rows would", async () => {
    const kinds = fc.sample(kind, { numRuns: ROWS, seed: 7 });
    const rows = await fill(type, kinds);
    await fc.assert(
      fc.asyncProperty(drawn, async (asked) => {
        const selection = selectionOf(type, asked);
        expect(await paged(type, selection, asked.limit)).toEqual(naive(rows, type, selection));
      }),
      { numRuns: Number(process.env["LISTS"] ?? 40) },
    );
  });

  test("the total is exact where it is said", async () => {
    const rows = await fill(type, fc.sample(kind, { numRuns: ROWS, seed: 11 }));
    await fc.assert(
      fc.asyncProperty(drawn, async (asked) => {
        const selection = selectionOf(type, asked);
        const total = await home.backend.run(
          async (ctx) => await new SelectedRows(ctx, home.organizationId, type, selection).total(),
        );
        if (total !== null) expect(total).toBe(naive(rows, type, selection).length);
      }),
      { numRuns: 60 },
    );
  });
});

test("what is there all the while comes once, while rows come and go between the pages", async () => {
  await fc.assert(
    fc.asyncProperty(
      drawn.filter(({ sort }) => sort !== "updatedAt"),
      fc.array(kind, { minLength: 1, maxLength: 4 }),
      async (asked, more) => {
        const kinds = fc.sample(kind, { numRuns: 60, seed: 13 });
        const rows = await fill("invoice", kinds);
        const like = examples.get("invoice") as Row;
        const selection = selectionOf("invoice", asked);
        const doomed = new Set(rows.filter((_, at) => at % 9 === 0).map(({ _id }) => _id));
        const stays = naive(rows, "invoice", selection).filter(
          (id) => !doomed.has(id as Id<"objects">),
        );
        const seen: string[] = [];
        let cursor: string | null = null;
        for (let turn = 0; turn < 200; turn++) {
          const from: string | null = cursor;
          const { page, isDone, continueCursor } = await home.backend.mutation(async (ctx) => {
            const list = new SelectedRows(ctx, home.organizationId, "invoice", selection);
            const found = await list.paginate({ numItems: 5, cursor: from });
            if (turn < 3) {
              await insert(
                ctx,
                more.map((one) => rowOf("invoice", like, one)),
              );
              const [gone] = [...doomed].slice(turn);
              const row = gone && (await ctx.db.get("objects", gone));
              if (row && row.lifecycle !== "deleted") {
                await ctx.db.patch("objects", row._id, { lifecycle: "deleted" });
                const counts = new CountBuffer();
                for (const tally of talliesOf(row)) counts.add(tally, -1);
                await counts.flush(ctx, home.organizationId);
              }
            }
            return found;
          });
          seen.push(...page.map(({ _id }) => _id));
          if (isDone) break;
          cursor = continueCursor;
        }
        expect(new Set(seen).size).toBe(seen.length);
        expect(seen.filter((id) => stays.includes(id))).toEqual(stays);
      },
    ),
    { numRuns: 25 },
  );
});

test("however few are meant, a page reads at most 2,000 documents, and the cursor goes on to them", async () => {
  const usual: Kind = {
    ...{ lifecycle: "live", status: 0, subtype: 0, facet: 0, lookupKey: null },
    ...{ owner: [0, null, null], at: [1, 1, 1, 1] },
  };
  // Of 2,500 of one owner, in an order that no index of owners has, those with another status.
  const kinds = Array.from({ length: 2500 }, (_, at): Kind => ({
    ...usual,
    status: at % 1000 === 999 ? 1 : 0,
    at: [at, 1, 1, 1],
  }));
  const rows = await fill("invoice", kinds);
  const selection: Selection = {
    filters: { parentId: [ownersIn("invoice", "parentId")[0] ?? ""] },
    ranges: { createdAt: { from: FIRST + 2000 * HOUR } },
    sort: { column: "updatedAt", order: "asc" },
    includeArchived: false,
  };
  const found: string[] = [];
  let cursor: string | null = null;
  let turns = 0;
  do {
    const from: string | null = cursor;
    const answer: { page: PaginationResult<Row>; read: number } = await home.backend.mutation(
      async (ctx) => {
        const list = new SelectedRows(ctx, home.organizationId, "invoice", selection);
        const page = await list.paginate({ numItems: 50, cursor: from });
        const { documentsRead } = await ctx.meta.getTransactionMetrics();
        return { page, read: documentsRead.used };
      },
    );
    expect(answer.read).toBeLessThanOrEqual(2000);
    found.push(...answer.page.page.map(({ _id }) => _id));
    cursor = answer.page.isDone ? null : answer.page.continueCursor;
    turns += 1;
  } while (cursor !== null && turns < 50);
  expect(found).toEqual(naive(rows, "invoice", selection));
  expect(found).toHaveLength(500);
});

test("few rows in a range are found at once in another order, however small the page", async () => {
  const rows = await fill(
    "invoice",
    Array.from({ length: 1500 }, (_, at): Kind => ({
      ...{ lifecycle: "live", status: at % 3, subtype: 0, facet: at % 2, lookupKey: at },
      ...{ owner: [null, null, null], at: [at, at, at, 1500 - at] },
    })),
  );
  const selection: Selection = {
    filters: { facet: ["low"] },
    ranges: { documentDate: { from: FIRST + 1490 * HOUR } },
    sort: { column: "dueAt", order: "desc" },
    includeArchived: false,
  };
  const first = await home.backend.run(async (ctx) => {
    const list = new SelectedRows(ctx, home.organizationId, "invoice", selection);
    return await list.paginate({ numItems: 1, cursor: null });
  });
  expect(first.page.map(({ _id }) => _id as string)).toEqual(
    naive(rows, "invoice", selection).slice(0, 1),
  );
});

test("a whole collection has what it asks for, also where other rows of its owner come between", async () => {
  const ofOwner = (at: number): Kind => ({
    ...{ lifecycle: "live", status: at < 1200 ? 0 : 1, subtype: 0, facet: 0, lookupKey: null },
    ...{ owner: [0, null, null], at: [4000 - at, at, at, at] },
  });
  const rows = await fill(
    "invoice",
    Array.from({ length: 1500 }, (_, at) => ofOwner(at)),
  );
  const selection: Selection = {
    filters: {
      parentId: [ownersIn("invoice", "parentId")[0] ?? ""],
      status: objectTypes.invoice.statuses.slice(1, 2),
    },
    ranges: {},
    sort: { column: "createdAt", order: "desc" },
    includeArchived: false,
  };
  const { page } = await home.backend.run(async (ctx) => {
    const list = new SelectedRows(ctx, home.organizationId, "invoice", selection);
    return await list.paginate({ numItems: 1000, cursor: null });
  });
  expect(page.map(({ _id }) => _id as string)).toEqual(naive(rows, "invoice", selection));
});

test("every owner by which a type is listed is of a type that there is", () => {
  for (const type of Object.keys(objectTypes) as ObjectType[]) {
    const { filters, owners: ofColumns = {} } = definitionOf(type);
    const columns = RELATION_COLUMNS.filter((column) => Object.values(filters).includes(column));
    expect([type, Object.keys(ofColumns).sort()]).toEqual([type, [...columns].sort()]);
    const known = [...Object.keys(objectTypes), ANY_TYPE];
    for (const owner of Object.values(ofColumns)) expect(known).toContain(owner);
  }
});

test("a cursor as filtered lists gave them before is answered that it is gone", async () => {
  const position = "vJ8x".repeat(12);
  const list = JSON.stringify(["crm_contact", "-createdAt", null, { status: "active" }, {}, false]);
  const path = `/crm/contacts?status=active&cursor=${sealCursor(list, position)}`;
  expect(await home.request("GET", path)).toMatchObject({ status: 410, code: "GONE" });
});
