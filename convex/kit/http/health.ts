import { internal } from "../../_generated/api";
import { internalQuery } from "../../_generated/server";
import { ApiError } from "../errors";
import { answer, failure } from "./answer";
import { API_PREFIX, type HttpApp } from "./context";

/** Whether the database answers. */
export const probe = internalQuery({
  args: {},
  handler: async (ctx): Promise<null> => {
    await ctx.db.query("organizations").first();
    return null;
  },
});

const HEALTHY = { status: 200, data: JSON.stringify({ status: "ok" }) };

/** `/health` and `/health/live`: the process answers; `/health/ready`: so does the database. */
export function healthRoutes(app: HttpApp): void {
  for (const prefix of ["", API_PREFIX]) {
    app.get(`${prefix}/health`, (c) => answer(c, HEALTHY, false));
    app.get(`${prefix}/health/live`, (c) => answer(c, HEALTHY, false));
    app.get(`${prefix}/health/ready`, async (c) => {
      try {
        await c.env.runQuery(internal.kit.http.health.probe, {});
        return answer(c, HEALTHY, false);
      } catch (error) {
        c.set("failure", String(error));
        const message = "The database does not answer.";
        return failure(c, new ApiError("SERVICE_UNAVAILABLE", message, { retryAfter: 5 }));
      }
    });
  }
}
