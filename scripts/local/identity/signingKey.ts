/**
 * The deployment's own key, with which `ctx.auth.signJwt` signs; made at the first start. Everyone can
 * check what it signed against the public half, at `/.well-known/jwks.json`.
 */
import { generateKeyPairSync } from "node:crypto";
import path from "node:path";
import { calculateJwkThumbprint, importJWK, type JWK, SignJWT } from "jose";
import type { JSONValue } from "convex/values";
import { Problem } from "../problem";
import { Refusal } from "../runtime/errors";
import { readOrMake } from "../secrets";

export type SignOptions = { claims?: Record<string, JSONValue>; expiresInSeconds: number };

const ALGORITHM = "ES256";
const MAX_SECONDS = 3_600;
const RESERVED = new Set(["iss", "iat", "exp", "nbf"]);
const RESERVED_PREFIX = /^(?:convex|cvx)/i;

export class SigningKey {
  private constructor(
    private readonly key: Awaited<ReturnType<typeof importJWK>>,
    private readonly keyId: string,
    private readonly publicKey: JWK,
    private readonly issuer: string,
  ) {}

  /** @param issuer `CONVEX_CLOUD_URL`, as tokens name it */
  static async open(data: string, issuer: string): Promise<SigningKey> {
    const file = path.join(data, "jwt.key");
    const text = await readOrMake(file, () => {
      const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      return JSON.stringify(privateKey.export({ format: "jwk" }));
    });
    try {
      const jwk = JSON.parse(text) as JWK;
      const { d: _private, ...publicKey } = jwk;
      const keyId = await calculateJwkThumbprint(publicKey);
      return new SigningKey(await importJWK(jwk, ALGORITHM), keyId, publicKey, issuer);
    } catch {
      throw new Problem(`${file} is not a key; remove it to have another one made`);
    }
  }

  /** @param now milliseconds @throws Refusal for claims or a lifetime that Convex refuses */
  async sign({ claims = {}, expiresInSeconds }: SignOptions, now: number): Promise<string> {
    for (const claim of Object.keys(claims)) {
      if (RESERVED.has(claim) || RESERVED_PREFIX.test(claim)) {
        throw new Refusal(`signJwt: the claim "${claim}" is reserved`);
      }
    }
    if (!(expiresInSeconds >= 1 && expiresInSeconds <= MAX_SECONDS)) {
      throw new Refusal(`signJwt: \`expiresInSeconds\` must be from 1 to ${MAX_SECONDS}`);
    }
    const issuedAt = Math.floor(now / 1_000);
    return await new SignJWT(claims)
      .setProtectedHeader({ alg: ALGORITHM, typ: "JWT", kid: this.keyId })
      .setIssuer(this.issuer)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + Math.floor(expiresInSeconds))
      .sign(this.key);
  }

  /** What is served under `/.well-known/`, by path (RFC 7517; OpenID Connect Discovery 1.0). */
  wellKnown(): ReadonlyMap<string, object> {
    const jwksPath = "/.well-known/jwks.json";
    const { publicKey, keyId: kid, issuer } = this;
    return new Map<string, object>([
      [jwksPath, { keys: [{ ...publicKey, kid, alg: ALGORITHM, use: "sig" }] }],
      [
        "/.well-known/openid-configuration",
        {
          issuer,
          jwks_uri: issuer + jwksPath,
          // The specification requires it, and who reads the document may; nobody signs in here.
          authorization_endpoint: `${issuer}/oauth/authorize`,
          response_types_supported: ["id_token"],
          subject_types_supported: ["public"],
          id_token_signing_alg_values_supported: [ALGORITHM],
        },
      ],
    ]);
  }
}
