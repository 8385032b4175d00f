/** An OpenID Connect provider on this machine, as far as a sign-in needs one. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT } from "jose";

export type OAuthProvider = {
  issuer: string;
  /** Whom the next sign-in is of: the claims of the id token. */
  signsIn(claims: Record<string, unknown>): void;
  close(): Promise<void>;
};

export async function startOAuthProvider(): Promise<OAuthProvider> {
  const { publicKey, privateKey } = await generateKeyPair("RS256");
  const jwk = { ...(await exportJWK(publicKey)), kid: "1", alg: "RS256", use: "sig" };
  let claims: Record<string, unknown> = {};
  let nonce: string | null = null;

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", issuer);
    const json = (value: unknown): void => {
      response.setHeader("Content-Type", "application/json");
      response.end(JSON.stringify(value));
    };
    if (url.pathname.endsWith("/.well-known/openid-configuration")) {
      json({
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        userinfo_endpoint: `${issuer}/userinfo`,
        jwks_uri: `${issuer}/jwks`,
        response_types_supported: ["code"],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: ["RS256"],
        code_challenge_methods_supported: ["S256"],
      });
    } else if (url.pathname === "/authorize") {
      const back = new URL(url.searchParams.get("redirect_uri") ?? "");
      nonce = url.searchParams.get("nonce");
      back.searchParams.set("code", `code-of-${url.searchParams.get("client_id") ?? ""}`);
      const state = url.searchParams.get("state");
      if (state !== null) back.searchParams.set("state", state);
      response.writeHead(302, { Location: back.href }).end();
    } else if (url.pathname === "/token") {
      request.resume().on("end", () => void answerToken());
    } else if (url.pathname === "/jwks") {
      json({ keys: [jwk] });
    } else {
      response.writeHead(404).end();
    }

    async function answerToken(): Promise<void> {
      const idToken = await new SignJWT({ ...claims, ...(nonce === null ? {} : { nonce }) })
        .setProtectedHeader({ alg: "RS256", kid: "1" })
        .setIssuer(issuer)
        .setAudience("the-client")
        .setIssuedAt()
        .setExpirationTime("5m")
        .sign(privateKey);
      json({ access_token: "x", token_type: "Bearer", expires_in: 300, id_token: idToken });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    issuer,
    signsIn(next) {
      claims = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
