import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { methodNotAllowed } from "hono/method-not-allowed";
import { requestId } from "hono/request-id";
import { secureHeaders } from "hono/secure-headers";
import { ApiError } from "../errors";
import { accountPageRoutes } from "./accountPages";
import { failure } from "./answer";
import { API_PREFIX, type HttpApp, type HttpContext, type HttpEnv } from "./context";
import { preflight, setCorsHeaders } from "./cors";
import { docsRoutes } from "./docs";
import { downloadRoutes } from "./download";
import { errorsPageRoute } from "./errorsPage";
import { healthRoutes } from "./health";
import { homeRoutes } from "./home";
import { incomingRoutes } from "./incoming";
import { calendarFeedRoutes } from "./calendarFeed";
import { jwksRoutes } from "./jwks";
import { logRequest } from "./log";
import { preferred } from "./negotiate";
import { oauthRoutes } from "./oauth";
import type { EndpointRoute, IncomingRoute } from "./route";
import { serve } from "./serve";
import { renewCookie } from "./sessionCookie";
import { uploadRoutes } from "./uploadRoute";

const DEFAULT_BODY_LIMIT = 1024 * 1024;

/** The HTTP side of all endpoints: what every answer has in common is here, once. */
export function httpApp(
  endpoints: readonly EndpointRoute[],
  webhooks: readonly IncomingRoute[],
): HttpApp {
  const app: HttpApp = new Hono<HttpEnv>({ strict: false });

  app.use(requestId({ limitLength: 128 }));
  app.use(async (c, next) => {
    const startedAt = Date.now();
    await next();
    await setCorsHeaders(c);
    renewCookie(c);
    logRequest(c, startedAt);
  });
  app.use(
    secureHeaders({
      overwrite: false, // the docs page has a policy of its own
      crossOriginResourcePolicy: "cross-origin",
      contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    }),
  );
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) => {
        c.header("Allow", methods.join(", "));
        const message = `${c.req.method} is not served here; use ${methods.join(", ")}.`;
        return failure(
          c,
          new ApiError("METHOD_NOT_ALLOWED", message, { details: { allowed: methods } }),
        );
      },
    }),
  );
  app.use(async (c, next) => {
    if (c.req.method === "OPTIONS") return preflight(c);
    await next();
  });

  homeRoutes(app);
  accountPageRoutes(app);
  healthRoutes(app);
  jwksRoutes(app);
  docsRoutes(app);
  errorsPageRoute(app);
  incomingRoutes(app, webhooks);
  downloadRoutes(app);
  uploadRoutes(app);
  calendarFeedRoutes(app);
  oauthRoutes(app);
  for (const endpoint of fixedWordsFirst(endpoints)) {
    const path = API_PREFIX + endpoint.path;
    app.on(endpoint.method, path, limitBody(endpoint), (c) =>
      serve(c, preferred(c, endpoint, endpoints)),
    );
  }

  app.notFound((c) =>
    failure(c, new ApiError("ROUTE_NOT_FOUND", `There is no ${c.req.path} here.`)),
  );
  app.onError((error, c) => failure(c, error));
  return app;
}

/** The first route that fits is served: `/contacts/export` must not be taken for `/contacts/:id`. */
function fixedWordsFirst(endpoints: readonly EndpointRoute[]): EndpointRoute[] {
  const rank = ({ path }: EndpointRoute): string => path.replaceAll(":", "\uffff");
  return [...endpoints].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
}

function limitBody(endpoint: EndpointRoute): ReturnType<typeof bodyLimit> {
  const limitBytes = endpoint.bodyLimit ?? DEFAULT_BODY_LIMIT;
  const limited = bodyLimit({
    maxSize: limitBytes,
    onError: (c: HttpContext) => {
      const message = `The body is larger than ${limitBytes} bytes.`;
      return failure(c, new ApiError("PAYLOAD_TOO_LARGE", message, { details: { limitBytes } }));
    },
  });
  // It makes a stream of every body; one whose announced length fits can be read as it is.
  return async (c, next) => {
    const fits = Number(c.req.header("Content-Length")) <= limitBytes;
    return fits && c.req.header("Transfer-Encoding") === undefined ? next() : limited(c, next);
  };
}
