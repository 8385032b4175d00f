/** Under which URL clients reach the deployment. */
import { queryGeneric } from "convex/server";
import { currentCall } from "./call";

export const cloudUrl = queryGeneric({
  args: {},
  handler: async (): Promise<string | null> =>
    currentCall().host.environment["CONVEX_CLOUD_URL"] ?? null,
});
