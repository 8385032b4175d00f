/** Reading a request's body whole, up to a limit. */
import type { IncomingMessage } from "node:http";

export class TooLarge extends Error {
  constructor(limit: number) {
    super(`Request body is larger than ${limit} bytes`);
  }
}

export function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (Number(request.headers["content-length"] ?? 0) > limit) {
      request.resume();
      reject(new TooLarge(limit));
      return;
    }
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limit) chunks.push(chunk);
      else reject(new TooLarge(limit));
    });
    request.on("end", () => {
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
    });
    request.on("error", reject);
    request.on("close", () => {
      // It also closes when all is read: an error for nobody costs more than reading a small body.
      if (!request.readableEnded) reject(new Error("The client has gone away"));
    });
  });
}
