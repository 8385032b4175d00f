/** Which components are mounted: the app alone, as this deployment serves none. */
import { queryGeneric } from "convex/server";

export const list = queryGeneric({
  args: {},
  handler: async (): Promise<{ id: string; path: string }[]> => [],
});
