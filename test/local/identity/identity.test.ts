/** Who calls: tokens of real providers on loopback, against a server process. */
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { createRemoteJWKSet, exportSPKI, importJWK, jwtVerify, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, startServer, type TestServer } from "../../helpers/server";
import { adminKeyOf } from "../runtime/fixture";
import { type Key, newKey, Provider, tampered } from "./provider";

const FUNCTIONS = fileURLToPath(new URL("./convex", import.meta.url));

let provider: Provider;
let inline: Key;
let server: TestServer;

beforeAll(async () => {
  provider = await Provider.start();
  inline = await newKey("ES256");
  const keys = Buffer.from(JSON.stringify({ keys: [inline.public] })).toString("base64");
  inlineKeys.add(keys);
  server = await startServer({
    functions: FUNCTIONS,
    flags: ["--no-demo"],
    env: { PROVIDER_URL: provider.url, INLINE_KEYS: `data:text/plain;base64,${keys}` },
  });
}, 60_000);
afterAll(async () => {
  await server.remove();
  await provider.stop();
});

/** Every credential that a test has sent. */
const sent = new Set<string>();
/** What variables have held. */
const inlineKeys = new Set<string>();

type Answer = { status: number; value?: unknown; code?: string; message?: string };

async function call(
  kind: "query" | "mutation" | "action",
  name: string,
  authorization?: string,
  args: object = {},
): Promise<Answer> {
  if (authorization !== undefined) sent.add(authorization.replace(/^\w+ /, ""));
  const response = await fetch(`${server.cloudUrl}/api/${kind}`, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      ...(authorization === undefined ? {} : { Authorization: authorization }),
    },
    body: JSON.stringify({ path: name, args, format: "json" }),
  });
  return { ...((await response.json()) as object), status: response.status };
}

const who = (token: string): Promise<Answer> => call("query", "who:inQuery", `Bearer ${token}`);

describe("a provider's token", () => {
  test("says who calls, in functions of every kind", async () => {
    const token = await provider.token();
    const issuer = `${provider.url}/oidc`;
    const value = { tokenIdentifier: `${issuer}|ada`, subject: "ada", issuer };
    for (const [kind, name] of [
      ["query", "who:inQuery"],
      ["mutation", "who:inMutation"],
      ["action", "who:inAction"],
      ["action", "whoNode:inNode"],
      ["mutation", "who:nestedInMutation"],
      ["action", "who:nestedInAction"],
    ] as const) {
      expect(await call(kind, name, `Bearer ${token}`)).toMatchObject({ status: 200, value });
      expect(await call(kind, name)).toMatchObject({ status: 200, value: null });
    }
    expect(await call("mutation", "who:authToken", `Bearer ${token}`)).toMatchObject({
      value: token,
    });
  });

  test("gives its claims under the names that Convex documents", async () => {
    const claims = {
      given_name: "Ada",
      picture: "https://example.com/ada.png",
      email: "ada@example.com",
      email_verified: true,
      birthdate: "1815-12-10",
      zoneinfo: "Europe/London",
      locale: "en",
      updated_at: 0,
      address: { formatted: "12 St James's Square" },
      org: { id: 7, roles: ["owner"] },
      tokenIdentifier: "someone else",
      nonce: "n",
      jti: "j",
    };
    const { value } = await who(await provider.token({ claims }));
    const issuer = `${provider.url}/oidc`;
    expect(value).toEqual({
      tokenIdentifier: `${issuer}|ada`,
      subject: "ada",
      issuer,
      givenName: "Ada",
      pictureUrl: "https://example.com/ada.png",
      email: "ada@example.com",
      emailVerified: true,
      birthday: "1815-12-10",
      timezone: "Europe/London",
      language: "en",
      updatedAt: "1970-01-01T00:00:00.000Z",
      address: "12 St James's Square",
      org: { id: 7, roles: ["owner"] },
    });
  });

  test("of a custom provider has its claims flattened", async () => {
    const iss = `${provider.url}/custom`;
    const claims = { iss, given_name: "Ada", org: { id: 7, deep: { role: "owner" } } };
    expect(await who(await provider.token({ claims }, provider.ec))).toMatchObject({
      status: 200,
      value: {
        tokenIdentifier: `${iss}|ada`,
        given_name: "Ada",
        "org.id": 7,
        "org.deep.role": "owner",
      },
    });
  });

  test("may be checked with keys that stand in the configuration, and for any audience", async () => {
    const claims = { iss: "https://inline.example", aud: "whoever" };
    expect((await who(await provider.token({ claims }, inline))).status).toBe(200);
  });

  test("does not go along with what it schedules", async () => {
    await call("mutation", "who:schedule", `Bearer ${await provider.token()}`);
    const noted = await eventually(
      async () => (await call("query", "who:noted")).value as string[],
      (notes) => notes.length > 0,
    );
    expect(noted).toEqual(["null"]);
  });

  test("is refused unless it is exactly what the provider gives out", async () => {
    const stranger = await newKey("RS256");
    const good = await provider.token();
    const past = Math.floor(Date.now() / 1_000) - 60;
    const publicKey = await exportSPKI(
      (await importJWK(provider.rsa.public, "RS256")) as CryptoKey,
    );
    const hmac = await new SignJWT({ iss: `${provider.url}/oidc`, aud: "app", sub: "ada" })
      .setProtectedHeader({ alg: "HS256", kid: provider.rsa.id })
      .setExpirationTime("1m")
      .sign(Buffer.from(publicKey));
    const none = tampered(good, { header: { alg: "none" } }).replace(/[^.]*$/, "");
    const refused: Record<string, [token: string, code: string]> = {
      expired: [await provider.token({ claims: { exp: past } }), "Unauthenticated"],
      "not valid yet": [
        await provider.token({ claims: { nbf: past + 600, exp: past + 900 } }),
        "Unauthenticated",
      ],
      "without an end": [await provider.token({ claims: { exp: undefined } }), "Unauthenticated"],
      "without a subject": [
        await provider.token({ claims: { sub: undefined } }),
        "Unauthenticated",
      ],
      "of an empty subject": [await provider.token({ claims: { sub: "" } }), "InvalidAuthHeader"],
      "of another audience": [await provider.token({ claims: { aud: "other" } }), "NoAuthProvider"],
      "of another issuer": [
        await provider.token({ claims: { iss: "https://evil.example" } }),
        "NoAuthProvider",
      ],
      "of an issuer that looks alike": [
        await provider.token({ claims: { iss: `${provider.url}/oidc/../evil` } }),
        "NoAuthProvider",
      ],
      "without an issuer": [
        await provider.token({ claims: { iss: undefined } }),
        "InvalidAuthHeader",
      ],
      "signed by a stranger": [
        await provider.token({ header: { kid: provider.rsa.id } }, stranger),
        "Unauthenticated",
      ],
      "with a key of its own": [
        await provider.token(
          { header: { kid: stranger.id, jwk: stranger.public } as object },
          stranger,
        ),
        "Unauthenticated",
      ],
      "changed after signing": [tampered(good, { claims: { sub: "eve" } }), "Unauthenticated"],
      unsigned: [none, "Unauthenticated"],
      "signed with the public key as a secret": [hmac, "Unauthenticated"],
      "of the wrong algorithm": [
        await provider.token({ claims: { iss: `${provider.url}/custom` } }, provider.rsa),
        "InvalidAuthHeader",
      ],
      garbage: ["garbage", "InvalidAuthHeader"],
    };
    for (const [what, [token, code]] of Object.entries(refused)) {
      const answer = await who(token);
      expect([what, answer.status, answer.code]).toEqual([what, 401, code]);
      expect(answer.message).not.toContain(token);
    }
    expect((await who(good)).status).toBe(200);
  });

  test("under another scheme is refused", async () => {
    for (const header of ["Basic YTpi", "Bearer", `Bearer a b`]) {
      expect(await call("query", "who:inQuery", header)).toMatchObject({
        status: 401,
        code: "InvalidAuthHeader",
      });
    }
  });
});

describe("HTTP actions", () => {
  const get = (route: string, authorization?: string): Promise<Response> =>
    fetch(server.siteUrl + route, {
      headers: authorization === undefined ? {} : { Authorization: authorization },
    });

  test("know who calls", async () => {
    const response = await get("/who", `Bearer ${await provider.token()}`);
    expect(await response.json()).toMatchObject({ subject: "ada" });
    expect(await (await get("/who")).json()).toBeNull();
  });

  test("take other credentials as well, and only asking for the identity fails", async () => {
    for (const header of ["Bearer fh_live_key", "Basic YTpi"]) {
      expect(await (await get("/open", header)).text()).toBe("open");
      expect((await get("/who", header)).status).toBe(500);
    }
  });
});

describe("the operator", () => {
  test("may act as anyone", async () => {
    const acting = (identity: object): Promise<Answer> => {
      const encoded = Buffer.from(JSON.stringify(identity)).toString("base64");
      return call("query", "who:inQuery", `Convex ${adminKeyOf(server.data)}:${encoded}`);
    };
    expect(await acting({ issuer: "https://a", subject: "eve", name: "Eve" })).toMatchObject({
      value: { tokenIdentifier: "https://a|eve", subject: "eve", name: "Eve" },
    });
    expect(await acting({ subject: "eve" })).toMatchObject({ code: "InvalidAuthHeader" });
    expect(await call("query", "who:inQuery", "Convex wrong")).toMatchObject({
      status: 401,
      code: "BadAdminKey",
    });
  });
});

describe("the deployment's own tokens", () => {
  const sign = (claims: object, expiresInSeconds: number): Promise<Answer> =>
    call("mutation", "who:sign", undefined, { claims, expiresInSeconds });

  test("can be checked by everyone, and come back as an identity", async () => {
    const { value } = await sign({ sub: "ada", aud: "x", role: "guest" }, 60);
    const token = value as string;
    const config = (await (
      await fetch(`${server.cloudUrl}/.well-known/openid-configuration`)
    ).json()) as { issuer: string; jwks_uri: string };
    expect(config.issuer).toBe(server.cloudUrl);
    const { payload, protectedHeader } = await jwtVerify(
      token,
      createRemoteJWKSet(new URL(config.jwks_uri)),
      { issuer: server.cloudUrl, audience: "x" },
    );
    expect(protectedHeader.alg).toBe("ES256");
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(60);
    expect(await who(token)).toMatchObject({ value: { subject: "ada", role: "guest" } });
  });

  test("say nothing that is reserved, and end within an hour", async () => {
    for (const claims of [{ iss: "x" }, { nbf: 1 }, { exp: 1 }, { convexRole: 1 }, { CVX: 1 }]) {
      expect((await sign(claims, 60)).status).toBe(560);
    }
    for (const seconds of [0, 3_601, -1, NaN]) {
      expect((await sign({}, seconds)).status).not.toBe(200);
    }
    expect((await sign({}, 3_600)).status).toBe(200);
  });

  test("are signed by a key that only its owner can read, and that nobody is told", async () => {
    const file = path.join(server.data, "jwt.key");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const { d } = JSON.parse(await readFile(file, "utf8")) as { d: string };
    const keys = await (await fetch(`${server.cloudUrl}/.well-known/jwks.json`)).text();
    expect(keys).toContain('"kid"');
    expect(keys).not.toContain(d);
  });
});

describe("a provider", () => {
  test("is asked once, however many tokens come, and again for a key that it has added", async () => {
    await Promise.all(Array.from({ length: 10 }, async () => who(await provider.token())));
    const counts = (): number => provider.requests.filter((at) => at === "/oidc/keys").length;
    const before = counts();
    expect(before).toBeLessThanOrEqual(2);
    const stranger = await newKey("RS256");
    const forged = await Promise.all(
      Array.from({ length: 10 }, () => provider.token({}, stranger)),
    );
    for (const token of forged) expect((await who(token)).status).toBe(401);
    expect(counts()).toBeLessThanOrEqual(before + 1);
    expect(provider.requests.filter((at) => at.endsWith("openid-configuration")).length).toBe(1);
  });
});

describe("convex env set", () => {
  const set = async (value: string): Promise<Answer> => {
    const response = await fetch(`${server.cloudUrl}/api/update_environment_variables`, {
      method: "POST",
      headers: { Authorization: `Convex ${adminKeyOf(server.data)}` },
      body: JSON.stringify({ changes: [{ name: "INLINE_KEYS", value }] }),
    });
    const text = await response.text();
    return { ...(text === "" ? {} : (JSON.parse(text) as object)), status: response.status };
  };
  const tokenOf = (key: Key): Promise<string> =>
    provider.token({ claims: { iss: "https://inline.example", aud: "whoever" } }, key);

  test("takes no value with which auth.config would be invalid, and one that it takes holds at once", async () => {
    const known = await tokenOf(inline);
    expect(await set("no-address-but-a-secret")).toMatchObject({
      status: 400,
      code: "InvalidAuthConfig",
      message: expect.stringMatching(
        /auth\.config: providers\[2\]: `jwks` must be a URL/,
      ) as string,
    });
    expect((await who(known)).status).toBe(200);

    const added = await newKey("ES256");
    const keys = Buffer.from(JSON.stringify({ keys: [added.public] })).toString("base64");
    inlineKeys.add(keys);
    expect(await set(`data:text/plain;base64,${keys}`)).toEqual({ status: 200 });
    expect((await who(await tokenOf(added))).status).toBe(200);
    expect((await who(known)).status).toBe(401);
  });
});

test("nothing that the server prints has a key, a token or the value of a variable in it", () => {
  const printed = server.stdout() + server.stderr();
  const secrets = [...sent, adminKeyOf(server.data), "no-address-but-a-secret", ...inlineKeys];
  expect(secrets.filter((secret) => printed.includes(secret))).toEqual([]);
});
