import * as z from "zod";
import { once } from "./once";

/**
 * `data` of one page of a streamed answer. The endpoint's query takes `limit` (rows of the whole
 * answer) and `cursor`, with which it is asked again for the next page.
 */
export const streamPage = once(() =>
  z.object({
    format: z.enum(["csv", "json"]),
    fileName: z.string(),
    /** What comes before the first row: the header of a CSV file. */
    head: z.string(),
    /** Whole rows: lines of CSV, or JSON values with commas between them. */
    text: z.string(),
    rows: z.number().int(),
    /** Of the whole answer, as asked for. */
    limit: z.number().int(),
    next: z.string().nullable(),
  }),
);
export type StreamPage = z.output<ReturnType<typeof streamPage>>;
