import { internal } from "../../_generated/api";
import { ApiError, errorDataOf, invalid, notFound } from "../errors";
import { failure } from "./answer";
import { retryConflicts } from "./conflicts";
import { API_PREFIX, type HttpApp, type HttpContext } from "./context";
import { meterStranger } from "./strangers";

/**
 * Files on their way to the deployment's own storage, from whoever has the permission's URL. The URL is
 * the credential: it takes one file of at most the size that was announced. The answer,
 * `{ storageId }`, is what Convex's own upload URLs answer.
 */
export function uploadRoutes(app: HttpApp): void {
  app.post(`${API_PREFIX}/uploads/:token`, async (c) => {
    try {
      return await upload(c, c.req.param("token"));
    } catch (error) {
      const isStranger = errorDataOf(error)?.code === "UPLOAD_NOT_FOUND";
      return failure(c, isStranger ? await meterStranger(c, error) : error);
    }
  });
}

/** @throws UPLOAD_NOT_FOUND, GONE, CONFLICT for one that was used, PAYLOAD_TOO_LARGE, VALIDATION_ERROR */
async function upload(c: HttpContext, token: string): Promise<Response> {
  const permission = await c.env.runQuery(internal.attachments.uploads.permitted, { token });
  if (!permission) throw notFound("upload");
  if (permission.expiresAt <= Date.now()) {
    throw new ApiError("GONE", "This permission has expired; ask for another one.");
  }
  if (permission.isUsed) throw used();
  const { size } = permission;
  if (Number(c.req.header("Content-Length") ?? 0) > size) throw tooLarge(size);
  const type = c.req.header("Content-Type") ?? "";
  const file = new Blob(await readAtMost(c.req.raw.body, size), { type });
  if (file.size === 0) throw invalid([{ path: "body", message: "must not be empty" }]);
  const storageId = await c.env.storage.store(file);
  // If this fails, nobody claims the file, and attachments/sweep.ts deletes it.
  const isTaken = await retryConflicts(() =>
    c.env.runMutation(internal.attachments.uploads.receive, { token, storageId }),
  );
  if (!isTaken) throw used();
  c.header("Cache-Control", "no-store");
  return c.json({ storageId });
}

/** Counts bytes as they come. @throws PAYLOAD_TOO_LARGE at the first that is too many */
async function readAtMost(
  body: ReadableStream<Uint8Array> | null,
  limit: number,
): Promise<Uint8Array<ArrayBuffer>[]> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  const reader = body?.getReader();
  let size = 0;
  for (;;) {
    const { done = true, value } = (await reader?.read()) ?? {};
    if (done || !value) return pieces;
    size += value.length;
    if (size > limit) {
      await reader?.cancel();
      throw tooLarge(limit);
    }
    pieces.push(new Uint8Array(value));
  }
}

function tooLarge(limitBytes: number): ApiError {
  const message = `The file is larger than the ${limitBytes} bytes that were announced.`;
  return new ApiError("PAYLOAD_TOO_LARGE", message, { details: { limitBytes } });
}

function used(): ApiError {
  return new ApiError("CONFLICT", "A file has come through this permission already.");
}
