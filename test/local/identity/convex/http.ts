import { httpActionGeneric, httpRouter } from "convex/server";

const router = httpRouter();
/** Answers without asking who calls. */
router.route({
  path: "/open",
  method: "GET",
  handler: httpActionGeneric(async () => await Promise.resolve(new Response("open"))),
});
router.route({
  path: "/who",
  method: "GET",
  handler: httpActionGeneric(async (ctx) => Response.json(await ctx.auth.getUserIdentity())),
});
export default router;
