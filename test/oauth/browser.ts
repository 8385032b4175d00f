/** A browser of somebody who signs in: it keeps our cookies, and goes to the provider and back. */
import type { Backend } from "../helpers/backend";
import type { OidcServer } from "./oidcServer";

export const SITE = "http://127.0.0.1:4140";
export const APP = "http://app.test";

export class Browser {
  readonly cookies = new Map<string, string>();

  constructor(private readonly backend: Pick<Backend, "fetch">) {}

  async get(address: string, headers: Record<string, string> = {}): Promise<Response> {
    const Cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const sent = { ...(Cookie === "" ? {} : { Cookie }), ...headers };
    const response = await this.backend.fetch(address.replace(SITE, ""), { headers: sent });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (value === "") this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return response;
  }

  /** Where the provider sends it, having been there. */
  async visit(
    provider: OidcServer,
    name: "google" | "microsoft",
    query = "",
    headers: Record<string, string> = {},
  ): Promise<string> {
    const started = await this.get(`/api/v1/auth/oauth/${name}/start${query}`, headers);
    if (started.status !== 302) throw new Error(`${started.status}: ${await started.text()}`);
    return await provider.visit(started.headers.get("Location") ?? "");
  }

  /** From the start to the end: where it lands. */
  async signIn(
    provider: OidcServer,
    name: "google" | "microsoft",
    query?: string,
    headers?: Record<string, string>,
  ): Promise<string> {
    return await this.land(await this.visit(provider, name, query, headers));
  }

  async land(callback: string): Promise<string> {
    const landed = await this.get(callback);
    if (landed.status !== 302) throw new Error(`${landed.status}: ${await landed.text()}`);
    return landed.headers.get("Location") ?? "";
  }

  get session(): string | undefined {
    return this.cookies.get("fh_session");
  }
}
