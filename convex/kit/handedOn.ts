import type { Id } from "../_generated/dataModel";

/** Whose something was in an organization, and whose it is from now on: nobody's of an account that is no more. */
export type HandedOn = {
  organizationId: Id<"organizations">;
  from: Id<"users">;
  to: Id<"users"> | null;
};
