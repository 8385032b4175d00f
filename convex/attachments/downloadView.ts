import * as z from "zod";
import { once } from "../kit/once";

/** Links from which a file can be fetched for five minutes; an external one's own address. */
export const download = once(() =>
  z
    .object({
      downloadUrl: z.string(),
      expiresAt: z.number().nullable().meta({ description: "Null for an external address." }),
    })
    .meta({ id: "AttachmentDownload" }),
);
