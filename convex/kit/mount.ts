import { type Endpoint, endpointOf } from "./endpoint";

/** An endpoint with the name that Convex calls its function by: `api/v1/contacts:create`. */
export type MountedEndpoint = Endpoint & { functionName: string };

/**
 * All endpoints of the given modules, by their path under `convex/`. A module's other exports are
 * not routes; what is not exported has no function, so it cannot be forgotten here.
 */
export function endpointsIn(modules: Record<string, Record<string, unknown>>): MountedEndpoint[] {
  return Object.entries(modules).flatMap(([module, exports]) =>
    Object.entries(exports).flatMap(([name, exported]) => {
      const endpoint = endpointOf(exported);
      return endpoint ? [{ ...endpoint, functionName: `${module}:${name}` }] : [];
    }),
  );
}
