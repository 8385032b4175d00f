import { v } from "convex/values";
import { gzipSync } from "fflate";
import { internalAction } from "../_generated/server";
import { openApiDocument } from "../kit/openapi";
import { sha256Hex } from "../kit/tokens";
import { endpoints, incomingWebhooks } from "./endpoints";

/**
 * The OpenAPI document as JSON text, in UTF-8, and a tag that changes with it. Only who asks for it
 * loads the schemas of everything. An action, for it takes half of the second that a query has.
 */
export const openApi = internalAction({
  args: { isGzip: v.boolean() },
  returns: v.object({ etag: v.string(), body: v.bytes() }),
  handler: async (_ctx, { isGzip }): Promise<{ etag: string; body: ArrayBuffer }> => {
    const { etag, text, compressed } = describe();
    return { etag, body: isGzip ? compressed : text };
  },
});

type Description = { etag: string; text: ArrayBuffer; compressed: ArrayBuffer };
let made: Description | undefined;

/** Made once for as long as the module lives: its half a megabyte is the same for everybody. */
function describe(): Description {
  if (made) return made;
  const text = JSON.stringify(openApiDocument(endpoints, incomingWebhooks));
  const bytes = new TextEncoder().encode(text);
  const etag = `"${sha256Hex(text).slice(0, 32)}"`;
  made = { etag, text: bytes.buffer, compressed: new Uint8Array(gzipSync(bytes)).buffer };
  return made;
}
