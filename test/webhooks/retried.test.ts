import { expect, test } from "vitest";
import { newBackend } from "../helpers/backend";
import { membership, tell } from "../tenants/clerkEvents";

test("an event that cannot be applied yet is tried again by the schedule, without anybody's doing", async () => {
  const { backend, request } = await newBackend();
  const early = { id: "orgmem_early", of: "user_member", in: "org_late" };
  expect((await tell(request, membership("created", early, 1))).status).toBe(200);
  const state = async (): Promise<unknown> => {
    const rows = await backend.run(({ db }) => db.query("incomingEvents").collect());
    const event = rows.find(({ payload }) => payload.includes(early.id));
    return event?.job && [event.status, event.job.attempts > 1, event.job.state !== "queued"];
  };
  expect(await state()).toEqual(["failed", false, false]);
  const owner = { id: "orgmem_owner", of: "user_owner", in: "org_late", role: "org:admin" };
  expect((await tell(request, membership("created", owner, 1))).status).toBe(200);
  // The first retry is due after two seconds.
  await expect.poll(state, { timeout: 30_000 }).toEqual(["applied", true, true]);
});
