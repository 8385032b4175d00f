/** What would go round `own`, or take a step of a request in another order, is refused by the linter. */
import { ESLint } from "eslint";
import tseslint from "typescript-eslint";
import { expect, expectTypeOf, test } from "vitest";
import type { AskedTable, OwnedTable } from "../../convex/kit/own";

const linter = new ESLint({
  // The rules about ids need no types, which would take half a minute to make.
  overrideConfig: [
    tseslint.configs.disableTypeChecked,
    { languageOptions: { parserOptions: { projectService: false } } },
  ],
});

async function refusals(filePath: string, code: string): Promise<string[]> {
  const [result] = await linter.lintText(code, { filePath });
  const refused = (result?.messages ?? []).flatMap(({ ruleId, message }) =>
    ruleId === null ? [message] : ruleId.startsWith("no-restricted") ? [ruleId] : [],
  );
  return [...new Set(refused)];
}

const SYNTAX = ["no-restricted-syntax"];
const IMPORTS = ["no-restricted-imports"];

test.each([
  ["makes an id by hand", `export const id = ctx.db.normalizeId("webhooks", text);`],
  ["makes an id of a destructured database", `export const id = db.normalizeId("webhooks", text);`],
  ["says that a text is an id", `export const id = text as Id<"webhooks">;`],
  ["compares a row's organization", `export const is = row.organizationId === organizationId;`],
  [
    "compares that of a row that may be missing",
    `if (row?.organizationId !== caller.organizationId) fail();`,
  ],
])("no file of functions %s", async (_what, code) => {
  for (const file of [
    "convex/delivery/webhooks.ts",
    "convex/api/v1/webhooks.ts",
    "convex/new.ts",
  ]) {
    expect(await refusals(file, code)).toEqual(SYNTAX);
  }
});

test.each([
  ["reads a row without its tenant", `export const row = await ctx.db.get("webhooks", id);`],
  ["reads from a destructured database", `export const row = await db.get("webhooks", id);`],
  [
    "takes an id for one of ours as it comes",
    `export const body = z.object({ id: zid("objects") });`,
  ],
  ["takes one as an argument", `export const args = { id: v.id("objects") };`],
])("who serves requests never %s", async (_what, code) => {
  for (const file of [
    "convex/api/v1/webhooks.ts",
    "convex/crmOntology.ts",
    "convex/syncQueries.ts",
  ]) {
    expect(await refusals(file, code)).toEqual(SYNTAX);
  }
});

test.each(["rowOfAnyTenant", "idOfAnyTenant"])(
  "%s is for the files that are listed, each with its reason",
  async (name) => {
    const code = (path: string): string => `import { ${name} } from "${path}";\n${name}();`;
    expect(await refusals("convex/api/v1/webhooks.ts", code("../../kit/own"))).toEqual(IMPORTS);
    expect(await refusals("convex/delivery/webhooks.ts", code("../kit/own"))).toEqual(IMPORTS);
    expect(await refusals("convex/kit/endpoint.ts", code("./own"))).toEqual(IMPORTS);
    expect(await refusals("convex/kit/live.ts", code("./own"))).toEqual([]);
  },
);

test("what has no organization is nobody's own, which the compiler says", () => {
  expectTypeOf<AskedTable>().toExtend<OwnedTable>();
  expectTypeOf<"objects" | "webhookQueues" | "incomingPayments">().toExtend<OwnedTable>();
  expectTypeOf<Extract<OwnedTable, "users" | "sessions" | "organizations">>().toBeNever();
});

test.each([
  ["caller", "requireUnexpired"],
  ["caller", "requireKind"],
  ["mode", "requireKeyOfMode"],
  ["idempotency", "findReply"],
  ["writeScope", "writeScopeOf"],
])("the step %s.%s is taken by the pipeline alone", async (file, step) => {
  const code = (folder: string): string =>
    `import { ${step} } from "${folder}/${file}";\n${step}();`;
  expect(await refusals("convex/api/v1/webhooks.ts", code("../../kit"))).toEqual(IMPORTS);
  expect(await refusals("convex/kit/live.ts", code("."))).toEqual(IMPORTS);
  expect(await refusals("convex/kit/endpoint.ts", code("."))).toEqual(IMPORTS);
  expect(await refusals("convex/kit/pipeline.ts", code("."))).toEqual([]);
});

test("a row by its tenant, and one by an id that a row holds, pass", async () => {
  const own = `export const row = await ctx.tenant.own("webhooks", params.id);`;
  expect(await refusals("convex/api/v1/webhooks.ts", own)).toEqual([]);
  const held = `export const row = await ctx.db.get("webhooks", delivery.webhookId);`;
  expect(await refusals("convex/delivery/webhookClaims.ts", held)).toEqual([]);
});
