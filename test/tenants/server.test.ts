/** Members of staff who sign in with Clerk, over HTTP and live, against a process of `npm start`. */
import { UnsecuredJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Answer, Request, RequestOptions } from "../helpers/answer";
import { type Site, startSite } from "../helpers/site";
import { LiveClient } from "../local/live/client";
import { Clerk } from "./clerk";
import { deletion, membership, signedByClerk, user } from "./clerkEvents";

const AZP = "https://app.studio.test";

let clerk: Clerk;
let site: Site;

beforeAll(async () => {
  clerk = await Clerk.start();
  site = await startSite({
    env: {
      CLERK_ISSUER: clerk.issuer,
      CLERK_AUTHORIZED_PARTIES: AZP,
      CLERK_WEBHOOK_SECRET: process.env["CLERK_WEBHOOK_SECRET"] ?? "",
      APP_URL: "https://app.studio.test",
    },
  });
});
afterAll(async () => {
  await site.server.remove();
  await clerk.stop();
});

type Person = { sub: string; email: string; token(): Promise<string>; request: Request };

function person(name: string): Person {
  const [sub, email] = [`user_${name}`, `${name}@x.test`];
  const token = async (): Promise<string> =>
    await clerk.token({ sub, name, email, email_verified: true, azp: AZP });
  const request = async (
    method: string,
    path: string,
    options: RequestOptions = {},
  ): Promise<Answer> => await site.request(method, path, { token: await token(), ...options });
  return { sub, email, token, request };
}

const at = (id: string): RequestOptions["headers"] => ({ "X-Tenant-Id": id });

async function founded(by: Person, name: string): Promise<string> {
  const answer = await by.request("POST", "/tenants", { body: { name } });
  expect(answer.status, answer.text).toBe(201);
  return answer.body.data.id;
}

test("a token makes its user, who founds an organization and reads it live with the same token", async () => {
  const ada = person("ada");
  expect((await ada.request("GET", "/tenants")).body.data).toEqual([]);
  const id = await founded(ada, "Ada's Studio");
  const client = new LiveClient(site.server.cloudUrl);
  client.convex.setAuth(() => ada.token());
  const contacts = client.subscribe<unknown[]>("crmOntology:getContacts", { organizationId: id });
  expect(await contacts.until(() => true)).toEqual([]);
  const body = { firstName: "Bo" };
  const created = await ada.request("POST", "/crm/contacts", { body, headers: at(id) ?? {} });
  expect(created.status).toBe(201);
  await contacts.until((list) => list.length === 1);
  const foreign = client.subscribe("crmOntology:getContacts", {
    organizationId: site.demo.organizationId,
  });
  await expect.poll(() => foreign.errors[0]?.data).toMatchObject({ code: "FORBIDDEN" });
  await client.close();
});

test("the header says for which organization; one of several has to be named, another's is refused", async () => {
  const eve = person("eve");
  const first = await founded(eve, "First");
  const second = await founded(eve, "Second");
  const get = (headers: RequestOptions["headers"] = {}): Promise<Answer> =>
    eve.request("GET", "/organization", { headers });
  expect(await get()).toMatchObject({ status: 400, paths: ["headers.X-Tenant-Id"] });
  for (const id of [first, second]) expect((await get(at(id))).body.data.id).toBe(id);
  for (const id of [site.demo.organizationId, "nonsense"]) {
    expect(await get(at(id))).toMatchObject({ status: 403, code: "FORBIDDEN" });
  }
});

describe("401 is the answer to a token", () => {
  const now = (): number => Math.floor(Date.now() / 1000);
  const claims = { sub: "user_ada", azp: AZP };
  test.each<[string, () => Promise<string> | string]>([
    ["that has expired", () => clerk.token({ ...claims, exp: now() - 10, iat: now() - 70 })],
    ["of another issuer", () => clerk.token({ ...claims, iss: "https://clerk.evil.test" })],
    ["for another party", () => clerk.token({ ...claims, azp: "https://evil.test" })],
    ["for no party", () => clerk.token({ sub: "user_ada" })],
    ["with alg none", () => new UnsecuredJWT({ ...claims, iss: clerk.issuer }).encode()],
    ["without its signature", async () => (await clerk.token(claims)).replace(/[^.]+$/, "")],
    ["by a key that is not Clerk's", () => clerk.token(claims, { kid: "ins_other" })],
  ])("%s", async (_name, make) => {
    const token = await make();
    for (const path of ["/tenants", "/crm/contacts", "/devices"]) {
      const answer = await site.request("GET", path, { token });
      expect([path, answer.status, answer.code]).toEqual([path, 401, "UNAUTHORIZED"]);
    }
  });
});

test("an invite is mailed, sent again, accepted once of two tries at once, and revoked", async () => {
  const [owner, guest] = [person("owner"), person("guest")];
  const id = await founded(owner, "Studio Nord");
  const invites = `/tenants/${id}/invites`;
  const invite = async (path: string, body?: object): Promise<Invited> =>
    (await owner.request("POST", path, body ? { body } : {})).body.data as unknown as Invited;
  const accept = (token: string): Promise<Answer> =>
    guest.request("POST", "/tenants/invites/accept", { body: { token } });

  const first = await invite(`/tenants/${id}/invite`, { email: guest.email, role: "viewer" });
  // Without a provider the mail is kept, and can be read: but not the link that lets somebody in.
  const mail = await owner.request("GET", `/notifications/${first.notificationId ?? ""}`);
  expect(mail.body.data).toMatchObject({ status: "queued", to: guest.email });
  expect(mail.text).toContain("Studio Nord");
  expect(mail.text).not.toContain(first.token);
  expect((await owner.request("GET", invites)).body.data).toMatchObject([{ id: first.id }]);

  const again = await invite(`${invites}/${first.id}/resend`);
  expect((await accept(first.token)).code).toBe("GONE");
  const both = await Promise.all([accept(again.token), accept(again.token)]);
  expect(both.map(({ status }) => status).sort()).toEqual([200, 410]);
  expect((await owner.request("GET", invites)).body.data).toEqual([]);
  expect((await guest.request("GET", "/tenants")).body.data).toMatchObject([
    { id, role: "viewer", status: "active" },
  ]);

  const late = await invite(`/tenants/${id}/invite`, { email: "late@x.test", role: "member" });
  expect((await owner.request("DELETE", `${invites}/${late.id}`)).status).toBe(204);
  const gone = await person("late").request("POST", "/tenants/invites/accept", {
    body: { token: late.token },
  });
  expect(gone).toMatchObject({ status: 410, code: "GONE" });

  const { body } = await owner.request("GET", `/tenants/${id}/members`);
  const self = body.data.find(({ email }) => email === owner.email)?.userId ?? "";
  const leave = await owner.request("DELETE", `/tenants/${id}/members/${self}`);
  expect(leave).toMatchObject({ status: 409, code: "CONFLICT" });
});

type Invited = { id: string; token: string; notificationId: string | null };

test("a device is activated, listed, renamed and revoked, and pushes nothing after that", async () => {
  const mobile = person("mobile");
  const id = await founded(mobile, "On the road");
  const activate = (deviceId: string): Promise<Answer> => {
    const body = { deviceId, name: "Phone", platform: "ios", appVersion: "1.0" };
    return mobile.request("POST", `/tenants/${id}/activate`, { body });
  };
  const push = (deviceId: string): Promise<Answer> =>
    mobile.request("POST", "/sync/push", { body: { deviceId, changes: [] } });
  const phone = (await activate("phone")).body.data.id;
  await activate("tablet");
  expect((await push("phone")).status).toBe(200);

  const renamed = await mobile.request("PATCH", `/devices/${phone}`, { body: { name: "Old" } });
  expect(renamed.body.data.name).toBe("Old");
  expect((await mobile.request("DELETE", `/devices/${phone}`)).status).toBe(204);
  const { body } = await mobile.request("GET", "/devices");
  const listed = body.data as unknown as { name: string; revokedAt: number | null }[];
  expect(listed.map(({ name, revokedAt }) => [name, revokedAt === null]).sort()).toEqual([
    ["Old", false],
    ["Phone", true],
  ]);
  for (const refused of [await push("phone"), await activate("phone")]) {
    expect(refused).toMatchObject({ status: 403, code: "FORBIDDEN" });
  }
  expect((await push("tablet")).status).toBe(200);
});

test("what Clerk tells is applied: a membership, and the end of a user whose token is still good", async () => {
  const [boss, temp] = [person("boss"), person("temp")];
  const tell = async (event: unknown): Promise<void> => {
    const answer = await site.request("POST", "/webhooks/clerk", signedByClerk(event));
    expect(answer.status, answer.text).toBe(200);
  };
  await tell(user("created", temp.sub, 1, { name: "Temp", email: temp.email }));
  const of = { in: "org_1", name: "By Clerk" };
  await tell(membership("created", { id: "orgmem_1", of: boss.sub, role: "org:admin", ...of }, 1));
  await tell(membership("created", { id: "orgmem_2", of: temp.sub, ...of }, 1));
  const mine = await temp.request("GET", "/tenants");
  expect(mine.body.data).toMatchObject([{ name: "By Clerk", role: "member" }]);
  expect((await temp.request("GET", "/crm/contacts")).status).toBe(200);
  await tell(deletion("user", temp.sub));
  for (const path of ["/tenants", "/crm/contacts"]) {
    expect((await temp.request("GET", path)).code).toBe("UNAUTHORIZED");
  }
  const members = `/tenants/${mine.body.data[0]?.id ?? ""}/members`;
  expect((await boss.request("GET", members)).body.data).toMatchObject([{ role: "owner" }]);
});
