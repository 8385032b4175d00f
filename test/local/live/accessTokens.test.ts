/**
 * The dashboard with an access token, on a deployment that its clients know by another name than this
 * machine can call: no keys can be fetched there.
 */
import { decodeJwt, decodeProtectedHeader } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../../helpers/server";
import { runInternal, type Site, startSite } from "../../helpers/site";
import { LiveClient } from "./client";

const SITE = "https://api.nowhere.invalid";

type SignedIn = {
  user: { id: string };
  tokens: { accessToken: string; refreshToken: string };
  organizationId: string;
};

let site: Site;
let first: SignedIn[];
const clients: LiveClient[] = [];

beforeAll(async () => {
  site = await startSite({ env: { CONVEX_SITE_ORIGIN: SITE } });
  first = await Promise.all(["ada", "bob"].map(register));
});
afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await site.server.remove();
});

async function register(name: string): Promise<SignedIn> {
  const body = {
    ...{ name, email: `${name}@studio.example`, password: "Correct-Horse-7-Battery" },
    organizationName: `Studio of ${name}`,
  };
  const answer = await site.request("POST", "/auth/register", { token: null, body });
  if (answer.status !== 201) throw new Error(answer.text);
  return JSON.parse(answer.text) as SignedIn;
}

async function refreshed({ tokens }: SignedIn): Promise<string> {
  const { refreshToken } = tokens;
  const body = { refreshToken };
  const answer = await site.request("POST", "/auth/refresh", { token: null, body });
  expect(answer.status).toBe(200);
  const next = JSON.parse(answer.text) as SignedIn["tokens"];
  tokens.refreshToken = next.refreshToken;
  return next.accessToken;
}

function clientWith(accessToken: string): LiveClient {
  const client = new LiveClient(site.server.cloudUrl);
  clients.push(client);
  client.convex.setAuth(() => Promise.resolve(accessToken));
  return client;
}

const kidOf = (token: string): string => decodeProtectedHeader(token).kid ?? "";
const contactsOf = ({ organizationId }: SignedIn): Record<string, string> => ({ organizationId });

async function published(): Promise<string[]> {
  const response = await fetch(`${site.server.siteUrl}/.well-known/jwks.json`);
  return ((await response.json()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid);
}

test("the first two who need a key at once get tokens of one", async () => {
  const [kid, ...others] = new Set(first.map(({ tokens }) => kidOf(tokens.accessToken)));
  expect(others).toEqual([]);
  const keys = await published();
  expect(keys).toHaveLength(2);
  expect(keys).toContain(kid);
});

describe("a client with an access token", () => {
  test("reads what is its user's, and is thrown out at once when the session ends", async () => {
    const ada = await register("ada.live");
    const { accessToken: token } = ada.tokens;
    expect(decodeJwt(token)).toMatchObject({ iss: SITE, sub: ada.user.id });
    const contacts = clientWith(token).subscribe<unknown[]>(
      "crmOntology:getContacts",
      contactsOf(ada),
    );
    expect(await contacts.until(() => true)).toEqual([]);
    const body = { firstName: "Charles" };
    expect((await site.request("POST", "/crm/contacts", { token, body })).status).toBe(201);
    await contacts.until((list) => list.length === 1);

    expect((await site.request("POST", "/auth/logout", { token })).status).toBe(204);
    await eventually(
      () => contacts.errors.at(-1)?.data,
      (data) => data !== undefined,
    );
    expect(contacts.errors.at(-1)?.data).toMatchObject({ code: "UNAUTHORIZED", status: 401 });
    expect((await site.request("GET", "/crm/contacts", { token })).status).toBe(401);
  });

  test("reads nothing of another's", async () => {
    const [ada, bob] = first as [SignedIn, SignedIn];
    const client = clientWith(ada.tokens.accessToken);
    const theirs = client.subscribe("crmOntology:getContacts", contactsOf(bob));
    await eventually(
      () => theirs.errors.at(-1)?.data,
      (data) => data !== undefined,
    );
    expect(theirs.errors.at(-1)?.data).toMatchObject({ code: "FORBIDDEN" });
    expect(theirs.values).toEqual([]);
  });

  test("is known by each key, at once, after three rotations", async () => {
    const [ada] = first as [SignedIn];
    const tokens = [ada.tokens.accessToken];
    for (let turn = 0; turn < 3; turn++) {
      await runInternal(site, "mutation", "accounts/signingKeys:rotate", {});
      tokens.push(await refreshed(ada));
      for (const token of tokens) {
        expect((await site.request("GET", "/crm/contacts", { token })).status).toBe(200);
        const contacts = clientWith(token).subscribe("crmOntology:getContacts", contactsOf(ada));
        expect(await contacts.until(() => true)).toEqual([]);
      }
    }
    expect(new Set(tokens.map(kidOf)).size).toBe(4);
    expect(await published()).toEqual(expect.arrayContaining(tokens.map(kidOf)));
  });
});
