import * as z from "zod";
import { DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET, tooFar } from "./pageLimits";
import { once } from "./once";

/** How every list is asked for a page, and what its answer says of it; page.ts reads it. */
export const pageParameters = once(() => ({
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(MAX_LIMIT)
    .optional()
    .meta({ description: `Rows in an answer; ${DEFAULT_LIMIT} by default.` }),
  page_size: z.coerce
    .number()
    .int()
    .min(1)
    .max(MAX_LIMIT)
    .optional()
    .meta({ description: "Another name of `limit`." }),
  cursor: z
    .string()
    .max(4000)
    .optional()
    .meta({ description: "`meta.nextCursor` of the page before; stable while rows are written." }),
  offset: z.coerce
    .number()
    .int()
    .min(0)
    .max(MAX_OFFSET, tooFar)
    .optional()
    .meta({ description: "Rows to skip." }),
  page: z.coerce.number().int().min(1).optional().meta({ description: "Page number, from 1." }),
}));

export type PageParameters = z.output<z.ZodObject<ReturnType<typeof pageParameters>>>;

/** `meta` of a list's answer. */
export const listMeta = once(() =>
  z.object({
    total: z
      .number()
      .int()
      .nullable()
      .meta({ description: "Exact; null where it is not counted." }),
    limit: z.number().int(),
    nextCursor: z.string().nullable(),
    offset: z.number().int().optional(),
    page: z.number().int().optional(),
    totalPages: z.number().int().nullable().optional(),
    totalIsCapped: z.boolean().optional().meta({ description: "Search: there may be more hits." }),
  }),
);
export type ListMeta = z.output<ReturnType<typeof listMeta>>;
