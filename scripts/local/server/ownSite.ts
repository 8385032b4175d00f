/**
 * What the deployment itself publishes, for the host: the keys of the tokens that its functions sign
 * are at the URL by which clients know it, which may be that of a proxy, or of no network that this
 * machine is in. It is asked as a client would ask, but for the way there.
 */
import { newRequestId, type RequestInfo } from "../runtime/call";
import type { Host } from "../runtime/host";
import { RunningHttpAction } from "../runtime/httpAction";
import type { OwnSite } from "../identity/keys";

/** @param siteUrl `CONVEX_SITE_URL`, as it is now */
export function ownSite(host: Host, siteUrl: () => string): OwnSite {
  return {
    has: (url) => URL.canParse(siteUrl()) && new URL(siteUrl()).origin === url.origin,
    get: async (url) => await answerOf(host, url),
  };
}

async function answerOf(host: Host, url: URL): Promise<Response> {
  const route = host.functions.router?.lookup(url.pathname, "GET") ?? null;
  if (route === null) return new Response(null, { status: 404 });
  const [action, , pattern] = route;
  const running = new RunningHttpAction(host, `GET ${pattern}`, byTheHost(), action);
  try {
    const answer = await running.answer(new Request(url));
    return new Response(await answer.arrayBuffer(), { status: answer.status });
  } catch (error) {
    running.failed(error);
    throw error;
  } finally {
    running.end();
  }
}

function byTheHost(): RequestInfo {
  const nobody = { ip: null, userAgent: null, scheduledFunctionId: null, identity: null };
  return { requestId: newRequestId(), ...nobody };
}
