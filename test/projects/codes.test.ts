import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { differencesOf, type Site, startSite } from "../helpers/site";

const AT_ONCE = 50;
const YEAR = new Date().getUTCFullYear();

describe.each([
  ["", []],
  [" while three in ten commits conflict", ["--inject-conflicts", "0.3"]],
])("fifty projects created at once over HTTP%s", (_condition, flags) => {
  let site: Site;

  beforeAll(async () => {
    site = await startSite({ flags });
  });

  afterAll(async () => {
    await site.server.remove();
  });

  test("have fifty consecutive codes, and a refused or a repeated one takes none", async () => {
    const create = async (n: number): ReturnType<Site["request"]> =>
      await site.request("POST", "/projects", {
        body: { subtype: "internal", name: `Project ${n}` },
        headers: { "Idempotency-Key": `project ${n}` },
      });
    const refused = site.request("POST", "/projects", { body: { name: "No subtype" } });
    const answers = await Promise.all(Array.from({ length: AT_ONCE }, (_, n) => create(n)));
    expect((await refused).status).toBe(400);
    for (const { status, text } of answers) expect(status, text).toBe(201);
    const codes = answers.map(({ body }) => body.data.customProperties["projectCode"]).sort();
    const expected = Array.from(
      { length: AT_ONCE },
      (_, n) => `PRJ-${YEAR}-${String(n + 1).padStart(3, "0")}`,
    );
    expect(codes).toEqual(expected);

    const repeated = await Promise.all(Array.from({ length: 5 }, (_, n) => create(n)));
    expect(repeated.map(({ text }) => text)).toEqual(answers.slice(0, 5).map(({ text }) => text));
    const next = await create(AT_ONCE);
    expect(next.body.data.customProperties["projectCode"]).toBe(`PRJ-${YEAR}-051`);
    const listed = await site.request("GET", "/projects?limit=200");
    expect([listed.body.data.length, listed.body.meta.total]).toEqual([51, 51]);
    expect((await differencesOf(site)).differences).toEqual([]);
  });
});
