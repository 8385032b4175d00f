import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Site, startSite } from "../helpers/site";

/** What holds of a project's tasks whatever is done to them at once, and however often it is tried anew. */
let site: Site;

type Task = {
  id: string;
  status: string;
  position: string;
  dependsOn: string[];
  isBlocked: boolean;
};

const TASKS = 6;
const STATUSES = ["todo", "in_progress", "done"];
const OPEN = new Set(["todo", "in_progress"]);

const at = fc.nat(TASKS - 1);
const act = fc.oneof(
  fc.record({ do: fc.constant("wait" as const), task: at, other: at }),
  fc.record({ do: fc.constant("release" as const), task: at, other: at }),
  fc.record({
    ...{ do: fc.constant("move" as const), task: at, other: at },
    side: fc.constantFrom("before" as const, "after" as const),
  }),
  fc.record({
    ...{ do: fc.constant("column" as const), task: at },
    status: fc.constantFrom(...STATUSES),
  }),
);
type Act = typeof act extends fc.Arbitrary<infer One> ? One : never;

beforeAll(async () => {
  site = await startSite({ flags: ["--inject-conflicts", "0.3"] });
});
afterAll(async () => {
  await site.server.remove();
});

async function take(ids: readonly string[], one: Act): Promise<number> {
  const path = `/tasks/${ids[one.task]}`;
  switch (one.do) {
    case "wait":
      return (await site.request("POST", `${path}/depends-on/${ids[one.other]}`)).status;
    case "release":
      return (await site.request("DELETE", `${path}/depends-on/${ids[one.other]}`)).status;
    case "move": {
      const body = { [one.side]: ids[one.other], force: true };
      return (await site.request("POST", `${path}/move`, { body })).status;
    }
    case "column": {
      const body = { status: one.status, force: true };
      return (await site.request("POST", `${path}/move`, { body })).status;
    }
  }
}

test("dependencies stay acyclic and places apart, whatever happens at once under injected conflicts", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 8, maxLength: 24 }), async (acts) => {
      const project = { subtype: "internal", name: "Relaunch" };
      const { id } = (await site.request("POST", "/projects", { body: project })).body.data;
      const items = Array.from({ length: TASKS }, (_, n) => ({ title: `Task ${n}` }));
      const bulk = await site.request("POST", `/projects/${id}/tasks/bulk`, { body: { items } });
      const made = bulk.body.data as unknown as { results: { id: string }[] };
      const ids = made.results.map((result) => result.id);

      const statuses = await Promise.all(acts.map((one) => take(ids, one)));
      // Refused is what is said to be: itself, a cycle, what is not waited for.
      expect(statuses.filter((status) => ![200, 201, 204, 400, 404, 409].includes(status))).toEqual(
        [],
      );

      const listed = await site.request("GET", `/projects/${id}/tasks`);
      const tasks = listed.body.data as unknown as Task[];
      expect(tasks).toHaveLength(TASKS);
      expect(cycleIn(tasks)).toBeNull();
      for (const column of STATUSES) {
        const places = tasks.filter(({ status }) => status === column).map((task) => task.position);
        expect(new Set(places).size).toBe(places.length);
      }
      const openIds = new Set(
        tasks.filter(({ status }) => OPEN.has(status)).map((task) => task.id),
      );
      for (const { dependsOn, isBlocked } of tasks) {
        expect(isBlocked).toBe(dependsOn.some((other) => openIds.has(other)));
      }
    }),
    { numRuns: 8 },
  );
});

/** A task that waits for itself over others. */
function cycleIn(tasks: readonly Task[]): string | null {
  const left = new Map(tasks.map(({ id, dependsOn }) => [id, dependsOn]));
  for (let count = -1; count !== left.size;) {
    count = left.size;
    for (const [id, others] of left) if (!others.some((other) => left.has(other))) left.delete(id);
  }
  return [...left.keys()][0] ?? null;
}
