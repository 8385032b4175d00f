/** The predicates of `rows:read`, by name: a filter cannot be passed as an argument. */
import type { ExpressionOrValue, FilterBuilder, NamedTableInfo } from "convex/server";
import type { DataModel } from "./builders";

type Predicate = (
  q: FilterBuilder<NamedTableInfo<DataModel, "rows">>,
) => ExpressionOrValue<boolean>;

export const filters = {
  eqOne: (q) => q.eq(q.field("a"), 1),
  eqOneInt: (q) => q.eq(q.field("a"), 1n),
  eqMissing: (q) => q.eq(q.field("a"), undefined),
  eqNull: (q) => q.eq(q.field("a"), null),
  eqArray: (q) => q.eq(q.field("a"), [1, 2]),
  eqObject: (q) => q.eq(q.field("a"), { y: 2, x: 1 }),
  eqMinusZero: (q) => q.eq(q.field("a"), -0),
  eqNaN: (q) => q.eq(q.field("a"), NaN),
  neqOne: (q) => q.neq(q.field("a"), 1),
  neqMissing: (q) => q.neq(q.field("a"), undefined),
  gtTwo: (q) => q.gt(q.field("a"), 2),
  gteTwo: (q) => q.gte(q.field("a"), 2),
  ltTwo: (q) => q.lt(q.field("a"), 2),
  lteTwo: (q) => q.lte(q.field("a"), 2),
  gtMissing: (q) => q.gt(q.field("a"), undefined),
  ltNull: (q) => q.lt(q.field("a"), null),
  ltText: (q) => q.lt(q.field("a"), "b"),
  gtBmp: (q) => q.gt(q.field("a"), "\uffee"),
  and: (q) => q.and(q.gte(q.field("a"), 1), q.lt(q.field("a"), 3)),
  andNothing: (q) => q.and(),
  or: (q) => q.or(q.eq(q.field("a"), 1), q.eq(q.field("b"), "x")),
  orNothing: (q) => q.or(),
  not: (q) => q.not(q.eq(q.field("a"), 1)),
  leaf: (q) => q.eq(q.field("inner.deep.leaf"), 1),
  leafMissing: (q) => q.eq(q.field("inner.deep.leaf"), undefined),
  twoFields: (q) => q.lt(q.field("a"), q.field("b")),
  add: (q) => q.eq(q.add(q.field("a"), 1), 3),
  sub: (q) => q.eq(q.sub(q.field("a"), 1), 1),
  mul: (q) => q.eq(q.mul(q.field("a"), 2), 4),
  div: (q) => q.eq(q.div(q.field("a"), 2), 1),
  mod: (q) => q.eq(q.mod(q.field("a"), 2), 1),
  neg: (q) => q.eq(q.neg(q.field("a")), -2),
  addInt: (q) => q.eq(q.add(q.field("a"), 1n), 3n),
  divInt: (q) => q.eq(q.div(q.field("a"), 2n), 1n),
  addText: (q) => q.eq(q.add(q.field("a"), "x"), "ax"),
  created: (q) => q.gt(q.field("_creationTime"), 0),
  notBoolean: (q) => q.field("a"),
} satisfies Record<string, Predicate>;

export type FilterName = keyof typeof filters;
