import { v } from "convex/values";

/** A postal address as it is stored. */
export const storedAddress = v.object({
  street: v.optional(v.string()),
  city: v.optional(v.string()),
  state: v.optional(v.string()),
  postalCode: v.optional(v.string()),
  country: v.optional(v.string()),
});
