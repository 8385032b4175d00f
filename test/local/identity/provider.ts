/** An identity provider on this machine: OpenID Connect discovery, key sets, and tokens of any kind. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import {
  base64url,
  calculateJwkThumbprint,
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTPayload,
  SignJWT,
} from "jose";

export type Key = { algorithm: "RS256" | "ES256"; id: string; secret: CryptoKey; public: JWK };

export async function newKey(algorithm: Key["algorithm"]): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm);
  const jwk = await exportJWK(publicKey);
  const id = await calculateJwkThumbprint(jwk);
  return { algorithm, id, secret: privateKey, public: { ...jwk, kid: id, alg: algorithm } };
}

export type TokenParts = { claims?: JWTPayload; header?: { kid?: string } };

export class Provider {
  /** The requests that came, by path. */
  readonly requests: string[] = [];
  /** Answers every request instead of it, while set. */
  breakWith: ((request: IncomingMessage, response: ServerResponse) => void) | null = null;
  readonly keys: Key[] = [];
  private readonly server = createServer((request, response) => {
    this.answer(request, response);
  });

  static async start(): Promise<Provider> {
    const provider = new Provider();
    provider.keys.push(await newKey("RS256"), await newKey("ES256"));
    await new Promise<void>((resolve) => provider.server.listen(0, "127.0.0.1", resolve));
    return provider;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get rsa(): Key {
    return this.keyOf("RS256");
  }

  get ec(): Key {
    return this.keyOf("ES256");
  }

  /** A good token of the OpenID Connect provider, but for what is given. */
  async token({ claims = {}, header = {} }: TokenParts = {}, key = this.rsa): Promise<string> {
    const now = Math.floor(Date.now() / 1_000);
    const payload = {
      iss: `${this.url}/oidc`,
      aud: "app",
      sub: "ada",
      iat: now,
      exp: now + 60,
      ...claims,
    };
    return await new SignJWT(payload)
      .setProtectedHeader({ alg: key.algorithm, kid: key.id, ...header })
      .sign(key.secret);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private keyOf(algorithm: Key["algorithm"]): Key {
    const key = this.keys.find((one) => one.algorithm === algorithm);
    if (key === undefined) throw new Error(`no ${algorithm} key`);
    return key;
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? "";
    this.requests.push(path);
    if (this.breakWith !== null) {
      this.breakWith(request, response);
      return;
    }
    const document = this.documents()[path];
    response.writeHead(document === undefined ? 404 : 200, { "Content-Type": "application/json" });
    response.end(JSON.stringify(document ?? {}));
  }

  private documents(): Record<string, object> {
    const keys = this.keys.map((key) => key.public);
    return {
      "/oidc/.well-known/openid-configuration": {
        issuer: `${this.url}/oidc`,
        jwks_uri: `${this.url}/oidc/keys`,
      },
      "/oidc/keys": { keys },
      "/custom/keys": { keys },
    };
  }
}

/** The same token with other parts; its signature is then as it may be. */
export function tampered(token: string, change: { header?: object; claims?: object }): string {
  const [header = "", payload = "", signature = ""] = token.split(".");
  const changed = (part: string, by: object = {}): string => {
    const value = JSON.parse(Buffer.from(part, "base64url").toString()) as object;
    return base64url.encode(JSON.stringify({ ...value, ...by }));
  };
  return `${changed(header, change.header)}.${changed(payload, change.claims)}.${signature}`;
}
