/** Clerk on this machine: discovery and its key set on loopback, and tokens that it signs. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import {
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
} from "jose";

type Key = { kid: string; secret: CryptoKey; published: JWK };

export class Clerk {
  /** How often the key set was asked for. */
  fetches = 0;
  isDown = false;
  private keys: Key[] = [];

  private constructor(private readonly server: Server) {}

  static async start(): Promise<Clerk> {
    const server = createServer(({ url }, response) => {
      const isDiscovery = url === "/.well-known/openid-configuration";
      if (!isDiscovery) clerk.fetches += 1;
      response.writeHead(clerk.isDown ? 503 : 200, { "Content-Type": "application/json" });
      const { issuer } = clerk;
      const discovered = { issuer, jwks_uri: `${issuer}/.well-known/jwks.json` };
      const keys = clerk.keys.map(({ published }) => published);
      response.end(JSON.stringify(isDiscovery ? discovered : { keys }));
    });
    const clerk = new Clerk(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    await clerk.rotate();
    return clerk;
  }

  get issuer(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Signs with a new key from now on, and publishes it beside the others. */
  async rotate(): Promise<void> {
    const { publicKey, privateKey } = await generateKeyPair("RS256");
    const kid = `ins_${this.keys.length}`;
    const published = { ...(await exportJWK(publicKey)), kid, alg: "RS256", use: "sig" };
    this.keys.push({ kid, secret: privateKey, published });
  }

  /** A good token, but for what is given; a claim that is undefined is left out. */
  async token(claims: JWTPayload = {}, header: Partial<JWTHeaderParameters> = {}): Promise<string> {
    const { kid, secret } = this.newest;
    const now = Math.floor(Date.now() / 1000);
    const payload = { iss: this.issuer, sub: "user_ada", iat: now, nbf: now, exp: now + 60 };
    return await new SignJWT({ ...payload, aud: "convex", ...claims })
      .setProtectedHeader({ alg: "RS256", typ: "JWT", kid, ...header })
      .sign(secret);
  }

  get newest(): Key {
    const key = this.keys.at(-1);
    if (!key) throw new Error("There is no key.");
    return key;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
