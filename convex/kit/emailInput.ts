import * as z from "zod";
import { asKept, MAX_OCTETS, problemOf } from "./email";
import { once } from "./once";

/**
 * An e-mail address as it is kept: as it was given, composed, without white space around it and
 * without characters that nobody sees.
 */
export const emailAddress = once(() =>
  z
    .string()
    .overwrite(asKept)
    .max(MAX_OCTETS, `must have at most ${MAX_OCTETS} characters`)
    .superRefine((email, context) => {
      const message = problemOf(email);
      if (message !== null) context.addIssue({ code: "custom", message });
    })
    .meta({ format: "idn-email", examples: ["ada@example.com"] }),
);
