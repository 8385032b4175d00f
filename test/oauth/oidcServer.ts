/** A full OpenID Connect provider on this machine (`oidc-provider`), as Google and Microsoft are one. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { vi } from "vitest";
import Provider, { type Configuration } from "oidc-provider";

export type OidcServer = {
  issuer: string;
  /** Who is signed in there: claims of ID tokens and of the userinfo endpoint. */
  person: Record<string, unknown> & { sub: string };
  /** What is done instead with a request whose path ends so. */
  faults: Map<string, Fault>;
  /** Paths of the requests that came, in their order. */
  asked: string[];
  /** A browser is sent here, signs in, consents, and is sent on: where to. */
  visit(address: string): Promise<string>;
  close(): Promise<void>;
};
type Fault =
  "hang" | "down" | { status: number; body: object } | ((body: string) => string | Promise<string>);

/** It tells at length that it is no server for production. */
export function quiet(): void {
  for (const method of ["warn", "info"] as const) {
    vi.spyOn(console, method).mockImplementation(() => undefined);
  }
}

export const CLIENT = { id: "the-client", secret: "the client's secret" };

export async function startOidcServer(
  callbacks: readonly string[],
  {
    issuerPath = "",
    hasLoginPage = false,
    ...more
  }: { issuerPath?: string; hasLoginPage?: boolean } & Configuration = {},
): Promise<OidcServer> {
  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const issuer = origin + issuerPath;
  const state: Pick<OidcServer, "person" | "faults" | "asked"> = {
    ...{ person: { sub: "nobody" }, faults: new Map(), asked: [] },
  };
  const provider = new Provider(issuer, {
    clients: [
      {
        ...{ client_id: CLIENT.id, client_secret: CLIENT.secret, redirect_uris: [...callbacks] },
        grant_types: ["authorization_code", "refresh_token"],
      },
    ],
    claims: {
      openid: ["sub", "tid", "xms_edov"],
      email: ["email", "email_verified"],
      profile: ["name"],
    },
    scopes: ["openid", "offline_access"],
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: false }, revocation: { enabled: true } },
    pkce: { required: () => true },
    cookies: { keys: ["a key of this test"] },
    interactions: { url: (_ctx, { uid }) => `${issuerPath}/interaction/${uid}` },
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed("refresh_token"),
    rotateRefreshToken: true,
    findAccount: (_ctx, id) => ({
      accountId: id,
      claims: async () => ({ ...state.person, sub: id }),
    }),
    ...more,
  });
  const handle = provider.callback();

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? "/").split("?")[0] ?? "/";
    state.asked.push(path);
    const [, fault] = [...state.faults].find(([end]) => path.endsWith(end)) ?? [];
    if (fault === "hang") return;
    if (fault === "down") {
      response.writeHead(500).end("down");
      return;
    }
    if (typeof fault === "object") {
      response.writeHead(fault.status, { "Content-Type": "application/json" });
      response.end(JSON.stringify(fault.body));
      return;
    }
    if (hasLoginPage && path.includes("/interaction/") && request.method === "GET") {
      response.setHeader("Content-Type", "text/html");
      response.end('<!doctype html><form method="post"><button>Sign in here</button></form>');
      return;
    }
    if (path.includes("/interaction/")) {
      await signIn(request, response);
      return;
    }
    if (fault) changeBody(response, fault);
    // Mounted below a path, it sees what follows it.
    request.url = (request.url ?? "/").slice(issuerPath.length) || "/";
    Object.assign(request, { originalUrl: issuerPath + request.url });
    await handle(request, response);
  }

  async function signIn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { params } = await provider.interactionDetails(request, response);
    const accountId = state.person.sub;
    const clientId = typeof params["client_id"] === "string" ? params["client_id"] : "";
    const grant = new provider.Grant({ accountId, clientId });
    grant.addOIDCScope(typeof params["scope"] === "string" ? params["scope"] : "openid");
    const grantId = await grant.save();
    const result = { login: { accountId, remember: false }, consent: { grantId } };
    await provider.interactionFinished(request, response, result);
  }

  return Object.assign(state, {
    issuer,
    visit: async (address: string) => await walk(origin, address),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  });
}

/** Follows redirects, with cookies, until one leads away from here. */
async function walk(origin: string, address: string): Promise<string> {
  const cookies = new Map<string, string>();
  let url = new URL(address);
  while (url.origin === origin) {
    const Cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await fetch(url, { redirect: "manual", headers: { Cookie } });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      cookies.set(name, value);
    }
    const next = response.headers.get("Location");
    if (next === null) throw new Error(`${response.status}: ${await response.text()}`);
    url = new URL(next, url);
  }
  return url.href;
}

function changeBody(
  response: ServerResponse,
  change: (body: string) => string | Promise<string>,
): void {
  const end = response.end.bind(response);
  response.end = ((chunk?: unknown) => {
    const body = Buffer.isBuffer(chunk) ? chunk.toString() : typeof chunk === "string" ? chunk : "";
    void Promise.resolve(change(body)).then((changed) => {
      response.setHeader("Content-Length", Buffer.byteLength(changed));
      end(changed);
    });
    return response;
  }) as typeof response.end;
}
