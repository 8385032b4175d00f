import { zid } from "convex-helpers/server/zod4";
import * as z from "zod";
import { DOCUMENT_FORMATS } from "../schemas/documentSchemas";
import { once } from "../kit/once";

/**
 * `data` of an endpoint that answers a file: which file of which document. The endpoint has made sure
 * that the caller may have it; what makes it runs after that, outside of the transaction.
 */
export const documentFile = once(() =>
  z.object({
    organizationId: zid("organizations"),
    objectId: zid("objects"),
    format: z.enum(DOCUMENT_FORMATS),
  }),
);
export type DocumentFile = z.output<ReturnType<typeof documentFile>>;
