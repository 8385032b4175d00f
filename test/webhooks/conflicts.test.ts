import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../helpers/server";
import { type Site, startSite } from "../helpers/site";
import { Receiver } from "./receiver";

let site: Site;
let receiver: Receiver;

beforeAll(async () => {
  receiver = await Receiver.listen();
  const env = { WEBHOOK_ALLOW_PRIVATE: "true" };
  site = await startSite({ env, flags: ["--inject-conflicts", "0.3"] });
});
afterAll(async () => {
  await site.server.remove();
  await receiver.close();
});

test("while three in ten commits conflict, each of 200 events is delivered, and recorded once", async () => {
  const hook = { url: `${receiver.url}/a`, events: ["contact.created"] };
  const { id } = (await site.request("POST", "/webhooks", { body: hook })).body.data;
  const items = Array.from({ length: 200 }, (_, i) => ({ firstName: `C${i}` }));
  const made = await site.request("POST", "/crm/contacts/bulk", { body: { items } });
  expect(made.status).toBe(200);
  const rows = await eventually(
    async () => {
      const query = "status=succeeded&limit=200";
      const { body } = await site.request("GET", `/webhooks/${id}/deliveries?${query}`);
      return body.data as unknown as { eventId: string; attempts: object[] }[];
    },
    ({ length }) => length === 200,
    60_000,
  );
  expect(new Set(rows.map(({ eventId }) => eventId)).size).toBe(200);
  expect(rows.every(({ attempts }) => attempts.length === 1)).toBe(true);
  const names = receiver.at("/a").map(({ message }) => message.data["firstName"]);
  expect(names.sort()).toEqual(items.map(({ firstName }) => firstName).sort());
  const all = await site.request("GET", `/webhooks/${id}/deliveries`);
  expect(all.body.meta.nextCursor === null ? all.body.data.length : 200).toBe(200);
});
