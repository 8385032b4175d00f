import { internal } from "../../_generated/api";
import { disposition } from "../disposition";
import { ApiError, errorDataOf, notFound } from "../errors";
import { failure } from "./answer";
import { byteRange } from "./byteRange";
import { API_PREFIX, type HttpApp, type HttpContext } from "./context";
import { meterStranger } from "./strangers";

/**
 * Files in the deployment's own storage, for whoever has a link that is five minutes old at most. The
 * link is the credential; a browser saves what it gets, and never shows it in our name.
 */
export function downloadRoutes(app: HttpApp): void {
  app.get(`${API_PREFIX}/files/:token`, async (c) => {
    try {
      return await download(c, c.req.param("token"));
    } catch (error) {
      return failure(c, errorDataOf(error) ? await meterStranger(c, error) : error);
    }
  });
}

async function download(c: HttpContext, token: string): Promise<Response> {
  const file = await c.env.runQuery(internal.attachments.downloads.fileOf, { token });
  if (!file) throw notFound("file");
  if (file.expiresAt <= Date.now()) throw new ApiError("GONE", "This link has expired.");
  const stored = await c.env.storage.get(file.storageId);
  if (!stored) throw notFound("file");
  const { size } = stored;
  const tag = `"${file.sha256}"`;
  c.header("Cache-Control", "private, no-store");
  c.header("Content-Type", file.contentType);
  c.header("Content-Disposition", disposition("attachment", file.fileName));
  c.header("Accept-Ranges", "bytes");
  c.header("ETag", tag);
  const ifRange = c.req.header("If-Range");
  const asked = ifRange === undefined || ifRange === tag ? c.req.header("Range") : undefined;
  const range = byteRange(asked, size);
  if (range === "unsatisfiable") {
    c.header("Content-Range", `bytes */${size}`);
    return c.body(null, 416);
  }
  if (range === null) {
    c.header("Content-Length", String(size));
    return c.body(stored.stream());
  }
  const { first, last } = range;
  c.header("Content-Range", `bytes ${first}-${last}/${size}`);
  c.header("Content-Length", String(last - first + 1));
  return c.body(stored.slice(first, last + 1).stream(), 206);
}
