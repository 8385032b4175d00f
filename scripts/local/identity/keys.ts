/**
 * The public keys of a provider, fetched when they are first needed and kept. However many tokens come
 * in, a provider is asked at most once in half a minute for a key that it may have added, and at most
 * once in five seconds while it does not answer. What the deployment itself publishes costs no more than
 * any request to it, and is read again whenever a key is not among them.
 */
import { createLocalJWKSet, createRemoteJWKSet, customFetch, type JSONWebKeySet } from "jose";
import { messageOf } from "../problem";
import { AuthenticationError } from "./error";
import type { Provider } from "./providers";

export type Keys = ReturnType<typeof createRemoteJWKSet> | ReturnType<typeof createLocalJWKSet>;

const FETCH_TIMEOUT_MS = 5_000;
const MAX_DOCUMENT_BYTES = 256 * 1_024;
const KEYS_MAX_AGE_MS = 10 * 60_000;
const UNKNOWN_KEY_COOLDOWN_MS = 30_000;
const FAILURE_COOLDOWN_MS = 5_000;

/** The deployment's own site, which is asked without the network. */
export type OwnSite = { has(url: URL): boolean; get(url: URL): Promise<Response> };
export const NO_SITE: OwnSite = {
  has: () => false,
  get: () => Promise.reject(new Error("There is no site")),
};

export class ProviderKeys {
  private keys: Promise<Keys> | null = null;
  private failure: { error: AuthenticationError; until: number } | null = null;

  constructor(
    private readonly provider: Provider,
    /** As tokens name it: with the slash at its end, or without. */
    private readonly issuer: string,
    private readonly site: OwnSite,
  ) {}

  /** @throws AuthenticationError when the provider does not say where its keys are */
  async get(): Promise<Keys> {
    this.keys ??= this.find();
    try {
      return await this.keys;
    } catch (error) {
      this.keys = null;
      throw error;
    }
  }

  private async find(): Promise<Keys> {
    const { jwks } = this.provider;
    if (jwks?.protocol === "data:") {
      return createLocalJWKSet((await this.fetchJson(jwks.href)) as JSONWebKeySet);
    }
    const address = jwks ?? (await this.discover());
    return createRemoteJWKSet(address, {
      cacheMaxAge: KEYS_MAX_AGE_MS,
      cooldownDuration: this.site.has(address) ? 0 : UNKNOWN_KEY_COOLDOWN_MS,
      timeoutDuration: FETCH_TIMEOUT_MS,
      [customFetch]: async (url) => Response.json(await this.fetchJson(url)),
    });
  }

  /** OpenID Connect Discovery 1.0, section 4. */
  private async discover(): Promise<URL> {
    const base = this.issuer.replace(/\/+$/, "");
    const found = await this.fetchJson(`${base}/.well-known/openid-configuration`);
    const { issuer, jwks_uri: uri } = found as { issuer?: unknown; jwks_uri?: unknown };
    if (issuer !== this.issuer) throw this.failed("it names another issuer");
    if (typeof uri !== "string" || !URL.canParse(uri)) throw this.failed("it names no keys");
    return new URL(uri);
  }

  private async fetchJson(url: string): Promise<unknown> {
    if (this.failure !== null && Date.now() < this.failure.until) throw this.failure.error;
    try {
      const document = await fetchDocument(url, this.site);
      this.failure = null;
      return document;
    } catch (error) {
      throw this.failed(messageOf(error));
    }
  }

  private failed(why: string): AuthenticationError {
    const error = new AuthenticationError(
      "AuthProviderDiscoveryFailed",
      `Auth provider discovery of ${this.issuer} failed: ${why}`,
    );
    this.failure = { error, until: Date.now() + FAILURE_COOLDOWN_MS };
    return error;
  }
}

async function fetchDocument(address: string, site: OwnSite): Promise<unknown> {
  const url = new URL(address);
  const response = site.has(url)
    ? await site.get(url)
    : await fetch(url, {
        headers: { Accept: "application/json" },
        signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
      });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`status ${response.status}`);
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > MAX_DOCUMENT_BYTES) throw new Error("the document is too large");
    chunks.push(chunk);
  }
  const document: unknown = JSON.parse(Buffer.concat(chunks).toString("utf8"));
  if (typeof document === "object" && document !== null) return document;
  throw new Error("the document is not a JSON object");
}
