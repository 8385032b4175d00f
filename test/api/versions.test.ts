import { beforeEach, describe, expect, test } from "vitest";
import { type Fixture, newBackend } from "../helpers/backend";
import { pathOf, routes } from "../helpers/routes";

let home: Fixture;

beforeEach(async () => {
  home = await newBackend();
});

/** Everything that shows a version can be asked for by it and changed by it. */
const versioned = ["/crm/contacts/:id", "/crm/organizations/:id", "/organization"];

async function target(path: string): Promise<string> {
  const route = routes.find((candidate) => candidate.path === path);
  if (!route) throw new Error(`There is no ${path}.`);
  return await pathOf(route, home.request);
}

describe.each(versioned)("%s", (path) => {
  test("a read and a write show the version as ETag", async () => {
    const at = await target(path);
    const read = await home.request("GET", at);
    expect(read.headers.get("ETag")).toBe('"1"');
    const change = path === "/organization" ? { name: "Renamed" } : { notes: "x" };
    const written = await home.request("PATCH", at, { body: change });
    expect(written.headers.get("ETag")).toBe('"2"');
    expect((await home.request("GET", at)).headers.get("ETag")).toBe('"2"');
  });

  test.each(['"1"', 'W/"1"', "*", '"7", "1"'])(
    "If-None-Match %s answers 304 without a body",
    async (tag) => {
      const answer = await home.request("GET", await target(path), {
        headers: { "If-None-Match": tag },
      });
      expect([answer.status, answer.text]).toEqual([304, ""]);
      expect(answer.headers.get("ETag")).toBe('"1"');
      expect(answer.headers.get("X-Request-Id")).toBeTruthy();
    },
  );

  test("If-None-Match of an older version answers the present one", async () => {
    const answer = await home.request("GET", await target(path), {
      headers: { "If-None-Match": '"0"' },
    });
    expect(answer.status).toBe(200);
  });

  test.each(['"1"', "1", "*", '"5", "1"'])("If-Match %s lets the change through", async (tag) => {
    const answer = await home.request("PATCH", await target(path), {
      body: {},
      headers: { "If-Match": tag },
    });
    expect(answer.status).toBe(200);
  });

  test.each(['"2"', "2", 'W/"1"'])(
    "If-Match %s is 412, names the present version, and changes nothing",
    async (tag) => {
      const at = await target(path);
      const change = path === "/organization" ? { name: "Renamed" } : { notes: "x" };
      const answer = await home.request("PATCH", at, {
        body: change,
        headers: { "If-Match": tag },
      });
      expect(answer).toMatchObject({ status: 412, code: "VERSION_MISMATCH" });
      expect(answer.body.error.details).toEqual({ current: 1 });
      expect((await home.request("GET", at)).headers.get("ETag")).toBe('"1"');
    },
  );

  test("an If-Match that is no version is 400", async () => {
    const answer = await home.request("PATCH", await target(path), {
      body: {},
      headers: { "If-Match": "latest" },
    });
    expect(answer).toMatchObject({ status: 400, paths: ["headers.If-Match"] });
  });
});

test.each(versioned.slice(0, 2))("DELETE %s obeys If-Match", async (path) => {
  const at = await target(path);
  expect((await home.request("DELETE", at, { headers: { "If-Match": '"2"' } })).status).toBe(412);
  expect((await home.request("DELETE", at, { headers: { "If-Match": '"1"' } })).status).toBe(204);
});

test("of two changes for one version, exactly one succeeds", async () => {
  const at = await target("/crm/contacts/:id");
  const changes = ["a", "b", "c"].map((notes) =>
    home.request("PATCH", at, { body: { notes }, headers: { "If-Match": '"1"' } }),
  );
  const statuses = (await Promise.all(changes)).map(({ status }) => status);
  expect(statuses.sort()).toEqual([200, 412, 412]);
});
