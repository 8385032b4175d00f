import fc from "fast-check";
import { expect, test } from "vitest";
import { api } from "../../convex/_generated/api";
import type { Role } from "../../convex/kit/scopes";
import { type Member, newBackend, newMember } from "../helpers/backend";

const ROLES = ["owner", "manager", "member", "viewer"] as const satisfies Role[];

const world = fc.array(
  fc.record({ isTeam: fc.boolean(), team: fc.subarray(["member", "viewer"] as const) }),
  { minLength: 1, maxLength: 6 },
);

test("whatever the teams, nobody finds in any way a project that is not theirs, and everybody all of theirs", async () => {
  await fc.assert(
    fc.asyncProperty(world, async (projects) => {
      const home = await newBackend();
      const { organizationId } = home;
      const people = new Map<Role, Member>();
      for (const role of ROLES) {
        const person = await newMember(home.backend, [{ organizationId, role }]);
        const known = {
          username: `some-${role}`,
          email: `${role}@x.test`,
          emailKey: `${role}@x.test`,
        };
        await home.backend.run(async (ctx) => {
          await ctx.db.patch("users", person.userId, known);
        });
        people.set(role, person);
      }
      const ids: string[] = [];
      for (const { isTeam, team } of projects) {
        const visibility = isTeam ? "team" : "organization";
        const body = { subtype: "internal", name: "Relaunch", visibility };
        const { id } = (await home.request("POST", "/projects", { body })).body.data;
        ids.push(id);
        for (const who of team) {
          const username = `some-${who}`;
          await home.request("POST", `/projects/${id}/team/invite`, { body: { username } });
        }
      }
      for (const [role, { request, sessionToken }] of people) {
        const seen = ids.filter((_id, at) => {
          const { isTeam, team } = projects[at] ?? { isTeam: false, team: [] };
          return (
            !isTeam || role === "owner" || role === "manager" || team.some((who) => who === role)
          );
        });
        const expected = new Set(seen);
        for (const query of ["", "?search=relaunch", "?sort=name", `?ids=${ids.join()}`]) {
          const { body } = await request("GET", `/projects${query}`);
          const listed = (body.data as unknown as { id: string }[]).map(({ id }) => id);
          expect(new Set(listed), `${role} ${query}`).toEqual(expected);
        }
        const asked = { sessionId: sessionToken, organizationId };
        const live = await home.backend.query(api.projectOntology.getProjects, asked);
        expect(new Set(live.map(({ id }) => id as string))).toEqual(expected);
        const { body } = await request("GET", "/sync/pull");
        const { changes } = body.data as unknown as { changes: { id: string; type: string }[] };
        const pulled = changes.filter(({ type }) => type === "project").map(({ id }) => id);
        expect(new Set(pulled)).toEqual(expected);
        for (const id of ids) {
          const { status } = await request("GET", `/projects/${id}`);
          expect(status).toBe(expected.has(id) ? 200 : 404);
        }
      }
    }),
    { numRuns: 6 },
  );
});
