/** A browser, as far as a sign-in needs one: it keeps cookies and follows redirects. */
type Route = { GET: Handler; POST: Handler };
type Handler = (request: Request) => Promise<Response>;

export type Browser = {
  /** At the portal. */
  get(path: string): Promise<Response>;
  post(path: string, form: Record<string, string>): Promise<Response>;
  /** The `Cookie` header that it sends. */
  cookies(): string;
  /** Signs in with the provider; answers where the browser ended up. */
  signIn(provider: string): Promise<string>;
};

export function openBrowser(portal: string, route: Route): Browser {
  const cookies = new Map<string, string>();
  const cookieHeader = (): string =>
    [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");

  const send = async (
    method: "GET" | "POST",
    url: string,
    body?: URLSearchParams,
  ): Promise<Response> => {
    const headers = {
      Cookie: cookieHeader(),
      ...(body ? { "Content-Type": "application/x-www-form-urlencoded" } : {}),
    };
    const response = await route[method](
      new Request(url, { method, headers, ...(body ? { body } : {}) }),
    );
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (/Max-Age=0/i.test(cookie) || value === "") cookies.delete(name);
      else cookies.set(name, value);
    }
    return response;
  };
  const get = (path: string): Promise<Response> => send("GET", `${portal}${path}`);
  const post = async (path: string, form: Record<string, string>): Promise<Response> => {
    const { csrfToken } = (await (await get("/api/auth/csrf")).json()) as { csrfToken: string };
    return await send("POST", `${portal}${path}`, new URLSearchParams({ ...form, csrfToken }));
  };
  return {
    get,
    post,
    cookies: cookieHeader,
    async signIn(provider) {
      const begun = await post(`/api/auth/signin/${provider}`, {
        callbackUrl: `${portal}/projects`,
      });
      const asked = await fetch(begun.headers.get("Location") ?? "", { redirect: "manual" });
      const returned = await send("GET", asked.headers.get("Location") ?? "");
      return returned.headers.get("Location") ?? "";
    },
  };
}
