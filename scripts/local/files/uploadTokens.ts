/**
 * The tokens of upload URLs: a time and a keyed hash of it, so that none has to be remembered. As on
 * Convex a token holds for an hour and any number of uploads.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

export const UPLOAD_TOKEN_MS = 60 * 60_000;

export type TokenRefusal = {
  code: "StorageTokenInvalid" | "StorageTokenExpired";
  message: string;
};

const INVALID: TokenRefusal = {
  code: "StorageTokenInvalid",
  message: "Couldn't decode the StoreFileAuthorization token",
};
const EXPIRED: TokenRefusal = {
  code: "StorageTokenExpired",
  message: "Store File Authorization expired",
};

/** Time (6 bytes), nonce (16), hash (32), in hexadecimal digits. */
const FORM = /^[0-9a-f]{108}$/;
const SIGNED_BYTES = 22;

export class UploadTokens {
  constructor(private readonly key: Buffer) {}

  issue(now: number): string {
    const signed = Buffer.alloc(SIGNED_BYTES);
    signed.writeUIntBE(now, 0, 6);
    randomBytes(16).copy(signed, 6);
    return Buffer.concat([signed, this.hash(signed)]).toString("hex");
  }

  /** Null if the token is good. */
  refuse(token: string, now: number): TokenRefusal | null {
    if (!FORM.test(token)) return INVALID;
    const bytes = Buffer.from(token, "hex");
    const signed = bytes.subarray(0, SIGNED_BYTES);
    if (!timingSafeEqual(this.hash(signed), bytes.subarray(SIGNED_BYTES))) return INVALID;
    return signed.readUIntBE(0, 6) + UPLOAD_TOKEN_MS <= now ? EXPIRED : null;
  }

  private hash(signed: Buffer): Buffer {
    return createHmac("sha256", this.key).update("upload").update(signed).digest();
  }
}
