/**
 * What the `convex` command line asks of a deployment beside calling functions, for who holds the
 * admin key. Its commands that bring new code here are refused with what to do instead.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { AuthenticationError } from "../../identity";
import { messageOf } from "../../problem";
import { log } from "../../runtime/log";
import { BAD_ADMIN_KEY } from "../adminKey";
import { TooLarge } from "../body";
import { sendRefusal } from "../reply";
import { AdminRefusal, type AdminContext, type AdminOptions, type AdminRoute } from "./context";
import { environmentRoutes } from "./environment";
import { exportRoutes } from "./exports";
import { functionRoutes } from "./functions";
import { importRoutes } from "./imports";
import { logRoutes } from "./logs";
import { metricsRoutes } from "./metrics";
import { notServedRoutes } from "./notServed";

export type { AdminOptions } from "./context";

const ROUTES: readonly AdminRoute[] = [
  ...functionRoutes,
  ...environmentRoutes,
  ...logRoutes,
  ...metricsRoutes,
  ...exportRoutes,
  ...importRoutes,
  ...notServedRoutes,
];

/** Answers the request, or says that there is no such route. */
export async function adminRequest(
  options: AdminOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const url = new URL(request.url ?? "/", "http://deployment");
  const route = ROUTES.find(({ method, path }) => {
    return (method === "*" || method === request.method) && path.test(url.pathname);
  });
  if (route === undefined) return false;
  if (!isAdmin(options, request)) {
    sendRefusal(response, 403, BAD_ADMIN_KEY.code, BAD_ADMIN_KEY.message);
    return true;
  }
  await answer(route, { ...options, url, request, response });
  return true;
}

function isAdmin({ adminKey }: AdminOptions, { headers }: IncomingMessage): boolean {
  const [scheme, key] = (headers.authorization ?? "").split(/ (.*)/s, 2);
  return scheme === "Convex" && key !== undefined && adminKey.matches(key);
}

async function answer(route: AdminRoute, context: AdminContext): Promise<void> {
  const { response, url } = context;
  try {
    await route.handle(context);
  } catch (error) {
    if (response.headersSent) {
      response.destroy();
      log("error", `${url.pathname}: ${messageOf(error)}`);
    } else if (error instanceof AdminRefusal || error instanceof AuthenticationError) {
      sendRefusal(response, error.status, error.code, error.message);
    } else if (error instanceof TooLarge) {
      sendRefusal(response, 413, "PayloadTooLarge", error.message);
    } else {
      log("error", `${url.pathname}: ${messageOf(error)}`, {
        stack: error instanceof Error ? error.stack : undefined,
      });
      sendRefusal(response, 500, "InternalServerError", messageOf(error));
    }
  }
}
