import { z } from "zod";
import { text } from "../kit/text";

export const storedAddress = z.object({
  street: z.string().optional(),
  city: z.string().optional(),
  state: z.string().optional(),
  postalCode: z.string().optional(),
  country: z.string().optional(),
});

/** A postal address as callers send it; the country is a name or an ISO 3166 code, kept as given. */
export const address = z.strictObject({
  street: text(200).optional(),
  city: text(200).optional(),
  state: text(200).optional(),
  postalCode: text(40).optional(),
  country: text(100).optional(),
});
