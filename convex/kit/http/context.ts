import type { Context, Hono } from "hono";
import type { RequestIdVariables } from "hono/request-id";
import type { ActionCtx } from "../../_generated/server";
import type { Metering } from "../askers";

export const API_PREFIX = "/api/v1";

/** `c.env` is Convex's action context. */
export type HttpEnv = {
  Bindings: ActionCtx;
  Variables: RequestIdVariables & {
    /** Once the caller is known: the limit and the origins that the answer's headers tell. */
    metering?: Pick<Metering, "rateLimit" | "allowedOrigins" | "caller" | "rolledTo">;
    /** The credential was the session cookie. */
    isByCookie?: true;
    /** Summed over the request's transactions. */
    documentsRead?: number;
    /** What the log says of a failure, and the caller does not get to see. */
    failure?: string;
  };
};
export type HttpContext = Context<HttpEnv>;
export type HttpApp = Hono<HttpEnv>;
