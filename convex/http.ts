import { HttpRouterWithHono } from "convex-helpers/server/hono";
import { httpApp } from "./kit/http/app";
import { endpointRoutes, incomingRoutes } from "./kit/http/routes";

/** The door knows the route table alone, not what stands behind it: see kit/http/route.ts. */
export default new HttpRouterWithHono(httpApp(endpointRoutes, incomingRoutes));
