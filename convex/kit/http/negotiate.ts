import { accepts } from "hono/accepts";
import type { HttpContext } from "./context";
import type { EndpointRoute } from "./route";

const JSON_TYPE = "application/json";

/** The endpoint whose answer `Accept` prefers (RFC 9110, 12.5.1): the one of the path itself, or an alternative. */
export function preferred(
  c: HttpContext,
  endpoint: EndpointRoute,
  endpoints: readonly EndpointRoute[],
): EndpointRoute {
  const { alternatives } = endpoint;
  if (!alternatives) return endpoint;
  c.header("Vary", "Accept", { append: true });
  const wanted = accepts(c, {
    header: "Accept",
    supports: [JSON_TYPE, ...Object.keys(alternatives)],
    default: JSON_TYPE,
  });
  const path = alternatives[wanted];
  const isOfPath = (other: EndpointRoute): boolean =>
    other.path === path && other.method === endpoint.method;
  return endpoints.find(isOfPath) ?? endpoint;
}
