import { beforeAll, expect, test } from "vitest";
import type { Request } from "../helpers/answer";
import { type Fixture, newBackend, requestsOf } from "../helpers/backend";

let home: Fixture;
let staff: Request;

type Shown = Record<string, unknown> & { id: string };

async function asked(
  request: Request,
  method: "GET" | "POST" | "DELETE",
  path: string,
  body?: object,
): Promise<[number, Shown]> {
  const answer = await request(method, path, body ? { body } : {});
  return [answer.status, (answer.body?.data ?? answer.body?.error) as unknown as Shown];
}

async function newProject(name: string): Promise<string> {
  const [, { id }] = await asked(home.request, "POST", "/projects", { subtype: "internal", name });
  return id;
}

beforeAll(async () => {
  home = await newBackend();
  staff = requestsOf(home.backend, home.sessionToken);
});

test("a favorite is one's own, marked once, and no key has any", async () => {
  const id = await newProject("Relaunch");
  const path = `/projects/${id}/favorite`;
  expect(await asked(staff, "POST", path)).toEqual([200, { isFavorite: true }]);
  expect(await asked(staff, "POST", path)).toEqual([200, { isFavorite: true }]);
  const [, favorites] = await asked(staff, "GET", "/favorites");
  expect(favorites).toEqual([
    {
      projectId: id,
      name: "Relaunch",
      projectCode: expect.any(String) as unknown,
      favoritedAt: expect.any(Number) as unknown,
    },
  ]);
  expect((await asked(home.request, "POST", path))[0]).toBe(403);
  expect((await asked(staff, "DELETE", path))[0]).toBe(204);
  expect((await asked(staff, "DELETE", path))[0]).toBe(204);
  expect((await asked(staff, "GET", "/favorites"))[1]).toEqual([]);
});

test("a favorite whose project was deleted is listed no more", async () => {
  const id = await newProject("Gone");
  await asked(staff, "POST", `/projects/${id}/favorite`);
  await asked(home.request, "DELETE", `/projects/${id}`);
  expect((await asked(staff, "GET", "/favorites"))[1]).toEqual([]);
});

test("tags are a project's, each name once in any case, and projects are found by them", async () => {
  const id = await newProject("Tagged");
  const path = `/projects/${id}/tags`;
  const [status, tag] = await asked(home.request, "POST", path, {
    name: "Website",
    color: "#1E90FF",
  });
  expect([status, tag]).toEqual([
    201,
    {
      id: expect.any(String) as unknown,
      name: "Website",
      color: "#1e90ff",
      createdAt: expect.any(Number) as unknown,
    },
  ]);
  expect((await asked(home.request, "POST", path, { name: "WEBSITE" }))[0]).toBe(409);
  expect((await asked(home.request, "POST", path, { name: "x".repeat(51) }))[0]).toBe(400);
  expect((await asked(home.request, "GET", path))[1]).toEqual([tag]);
  const found = async (): Promise<string[]> =>
    ((await asked(home.request, "GET", "/projects?tags=Website"))[1] as unknown as Shown[]).map(
      (project) => project.id,
    );
  expect(await found()).toEqual([id]);
  const other = await newProject("Other");
  expect((await asked(home.request, "DELETE", `/projects/${other}/tags/${tag.id}`))[0]).toBe(404);
  expect((await asked(home.request, "DELETE", `${path}/${tag.id}`))[0]).toBe(204);
  expect(await found()).toEqual([]);
});
