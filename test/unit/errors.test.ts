import { expect, test } from "vitest";
import {
  FieldError,
  invalid,
  invalidFields,
  invalidRecord,
  placedData,
  placing,
  under,
} from "../../convex/kit/errors";
import { refusalOf } from "../helpers/refusal";

const refused = invalidFields([
  { field: "dueDate", message: "is too early" },
  { field: "", message: "is empty" },
]);

test("a refused field stands where the door says, in the message too", () => {
  expect(placedData(refused.data, under("body"))).toEqual({
    code: "VALIDATION_ERROR",
    status: 400,
    message: "body.dueDate: is too early (and 1 more)",
    details: [
      { path: "body.dueDate", message: "is too early" },
      { path: "body", message: "is empty" },
    ],
  });
});

test("what no door has placed has the bare field", () => {
  expect(refused.data).toMatchObject({
    message: "dueDate: is too early (and 1 more)",
    details: [{ path: "dueDate" }, { path: "" }],
  });
  expect(invalidFields([{ field: "", message: "is empty" }]).data.message).toBe("is empty");
});

test("a conflict about a field keeps what else it says", () => {
  const conflict = new FieldError("CONFLICT", "Only 5 is open.", "mode", { field: "mode", due: 5 });
  expect(placedData(conflict.data, under("data"))).toEqual({
    code: "CONFLICT",
    status: 409,
    message: "Only 5 is open.",
    details: { path: "data.mode", field: "mode", due: 5 },
  });
});

test("the inner door is the one that places", async () => {
  const inner = placing(under("data"), () => Promise.reject(refused));
  const outer = await refusalOf(placing(under("body"), () => inner));
  expect(outer.details).toMatchObject([{ path: "data.dueDate" }, { path: "data" }]);
});

test("what was read with its path, and what nobody sent, stays where it is", async () => {
  const read = invalid([{ path: "query.limit", message: "must be a number" }]);
  const known = invalidRecord([{ field: "notes", message: "are too long" }]);
  for (const error of [read, known]) {
    const told = await refusalOf(placing(under("body"), () => Promise.reject(error)));
    expect(told).toEqual(error.data);
  }
});

test("a rule cannot say a path", () => {
  // @ts-expect-error A rule has no path to give.
  invalidFields([{ path: "body.x", message: "is placed" }]);
  // @ts-expect-error Nor beside its field.
  invalidFields([{ field: "x", path: "body.x", message: "is placed" }]);
  // @ts-expect-error Nor in the details of a conflict.
  new FieldError("CONFLICT", "It is placed.", "x", { path: "body.x" });
});
