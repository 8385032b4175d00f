import { type Infer, v } from "convex/values";

/** Which request it was, and from where: as trails and sessions keep it. */
export const requestOrigin = v.object({
  traceId: v.string(),
  ip: v.union(v.string(), v.null()),
  userAgent: v.union(v.string(), v.null()),
});
export type RequestOrigin = Infer<typeof requestOrigin>;
