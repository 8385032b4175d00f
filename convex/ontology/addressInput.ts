import * as z from "zod";
import { label } from "../kit/text";
import { once } from "../kit/once";

/** A postal address as callers send it; the country is a name or an ISO 3166 code, kept as given. */
export const address = once(() =>
  z.strictObject({
    street: label(200).optional(),
    city: label(200).optional(),
    state: label(200).optional(),
    postalCode: label(40).optional(),
    country: label(100).optional(),
  }),
);
