import { internal } from "../../_generated/api";
import { internalMutation } from "../../_generated/server";
import { ApiError } from "../errors";
import { answer, failure } from "./answer";
import { NothingWritable, retryConflicts } from "./conflicts";
import { API_PREFIX, type HttpApp } from "./context";

/** Strangers ask too: so often at most is something written for it. */
const WRITES_EVERY_MS = 1000;

/** Whether the database answers, and takes what is written: a full or damaged disk does not. */
export const probe = internalMutation({
  args: {},
  handler: async (ctx): Promise<null> => {
    await ctx.db.query("organizations").first();
    const now = Date.now();
    const last = await ctx.db.query("writeProbes").first();
    if (!last) await ctx.db.insert("writeProbes", { at: now });
    else if (Math.abs(now - last.at) >= WRITES_EVERY_MS) {
      await ctx.db.patch("writeProbes", last._id, { at: now });
    }
    return null;
  },
});

const HEALTHY = { status: 200, data: JSON.stringify({ status: "ok" }) };

/**
 * `/health` and `/health/live`: the process answers; `/health/ready`: the database answers and takes
 * writes. @throws SERVICE_UNAVAILABLE
 */
export function healthRoutes(app: HttpApp): void {
  for (const prefix of ["", API_PREFIX]) {
    app.get(`${prefix}/health`, (c) => answer(c, HEALTHY, false));
    app.get(`${prefix}/health/live`, (c) => answer(c, HEALTHY, false));
    app.get(`${prefix}/health/ready`, async (c) => {
      try {
        await retryConflicts(() => c.env.runMutation(internal.kit.http.health.probe, {}));
        return answer(c, HEALTHY, false);
      } catch (error) {
        c.set("failure", String(error));
        if (error instanceof NothingWritable) return failure(c, error);
        const message = "The database does not answer.";
        return failure(c, new ApiError("SERVICE_UNAVAILABLE", message, { retryAfter: 5 }));
      }
    });
  }
}
