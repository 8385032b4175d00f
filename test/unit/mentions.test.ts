import { expect, test } from "vitest";
import { namesIn } from "../../convex/comments/mentions";

test.each([
  ["Ask @Mara, and @mara again", ["mara"]],
  ["(@mo-1) @x_y.", ["mo-1", "x_y"]],
  ["mail mara@studio.example, see https://x.test/@mara", []],
  ["```\n@mara\n``` and `@mo`", []],
  ["~~~\n@mara\n~~~ but @mo-2", ["mo-2"]],
  ["~~~ never closed @mara", []],
])("%j names %j", (body, names) => {
  expect(namesIn(body)).toEqual(names);
});
