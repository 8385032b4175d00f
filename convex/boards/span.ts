import * as z from "zod";
import { once } from "../kit/once";
import { documentsFrom, documentsTo } from "../kit/time";

/** A year and a day: what a calendar shows at once. */
const LONGEST = 367 * 24 * 60 * 60 * 1000;

/** The days that a calendar is asked for. */
export const calendarSpan = once(() =>
  z
    .strictObject({
      from: documentsFrom().meta({ description: "The first day." }),
      to: documentsTo().meta({ description: "The last day, at most a year later." }),
    })
    .superRefine(({ from, to }, context) => {
      const refuse = (message: string): void => {
        context.addIssue({ code: "custom", path: ["to"], message });
      };
      if (to < from) refuse("must not lie before from");
      if (to - from > LONGEST) refuse("must lie within a year of from");
    }),
);
