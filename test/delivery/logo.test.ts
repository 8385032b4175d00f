import { encode } from "jpeg-js";
import { toBuffer } from "qrcode";
import { beforeEach, describe, expect, test } from "vitest";
import { MAX_PIXELS, NotAPicture, readPicture } from "../../convex/kit/pictures";
import type { Answer } from "../helpers/answer";
import { newKey, newTenant } from "../helpers/backend";
import { type Books, openBooks } from "../invoicing/books";
import { SETTINGS } from "./settings";

let books: Books;
let png: Buffer<ArrayBuffer>;

beforeEach(async () => {
  books = await openBooks(SETTINGS);
  png = Buffer.from(await toBuffer("Studio Nord", { width: 120 }));
});

const jpegOf = (width: number, height: number): Buffer<ArrayBuffer> =>
  Buffer.from(encode({ width, height, data: Buffer.alloc(width * height * 4, 90) }, 80).data);

const put = async (
  raw: Uint8Array<ArrayBuffer>,
  type = "image/png",
  headers: Record<string, string> = {},
): Promise<Answer> =>
  await books.request("POST", "/organization/logo", {
    raw,
    headers: { "Content-Type": type, ...headers },
  });

const pdfOf = async (id: string): Promise<{ tag: string | null; pictures: number }> => {
  const response = await books.backend.fetch(`/api/v1/invoices/${id}/pdf`, {
    headers: { Authorization: `Bearer ${books.apiKey}` },
  });
  const text = Buffer.from(await response.arrayBuffer()).toString("latin1");
  return { tag: response.headers.get("ETag"), pictures: text.split("/Subtype /Image").length - 1 };
};

const stored = async (): Promise<Record<string, number>> =>
  await books.backend.run(async ({ db }) => ({
    logos: (await db.query("organizationLogos").collect()).length,
    uploads: (await db.query("uploads").collect()).length,
    pieces: (await db.query("uploadPieces").collect()).length,
  }));

describe("a logo", () => {
  test("is shown as it was sent, and stands on every document from then on", async () => {
    const { id } = await books.draft();
    const without = await pdfOf(id);
    expect(without.pictures).toBe(0);
    const answer = await put(png);
    expect(answer.status).toBe(200);
    const dataUrl = `data:image/png;base64,${png.toString("base64")}`;
    const shown = { contentType: "image/png", width: 120, height: 120, size: png.length, dataUrl };
    expect(answer.body.data).toMatchObject(shown);
    expect((await books.get("/organization/logo")).body.data).toEqual(answer.body.data);
    const printed = await pdfOf(id);
    expect(printed.pictures).toBeGreaterThan(0);
    expect(printed.tag).not.toBe(without.tag);
    expect((await put(jpegOf(200, 50), "image/jpeg")).status).toBe(200);
    expect((await pdfOf(id)).tag).not.toBe(printed.tag);
    expect(await stored()).toEqual({ logos: 1, uploads: 0, pieces: 0 });
    expect((await books.request("DELETE", "/organization/logo")).status).toBe(204);
    expect((await pdfOf(id)).pictures).toBe(0);
    expect((await books.get("/organization/logo")).body.data).toBeNull();
    expect(await stored()).toEqual({ logos: 0, uploads: 0, pieces: 0 });
  });

  test("of a document that was issued stays on it, and with it, whatever becomes of the setting", async () => {
    await put(png);
    const { id } = await books.sent();
    // Nobody has asked for the file yet.
    await put(jpegOf(200, 50), "image/jpeg");
    const later = await books.sent();
    await books.request("DELETE", "/organization/logo");
    expect(await stored()).toEqual({ logos: 2, uploads: 0, pieces: 0 });
    expect((await books.get("/organization/logo")).body.data).toBeNull();
    for (const issued of [id, later.id]) {
      expect((await pdfOf(issued)).pictures).toBeGreaterThan(0);
    }
    expect((await pdfOf((await books.sent()).id)).pictures).toBe(0);
  });

  test("is a setting: its version, its entry in the trail, and none for the same picture again", async () => {
    const { version } = (await books.get("/organization")).body.data;
    const tag = `"${version}"`;
    const answer = await put(png, "image/png", { "If-Match": tag });
    expect(answer.headers.get("ETag")).toBe(`"${version + 1}"`);
    expect((await put(png, "image/png", { "If-Match": tag })).code).toBe("VERSION_MISMATCH");
    await put(png);
    await books.request("DELETE", "/organization/logo");
    await books.request("DELETE", "/organization/logo");
    expect((await books.get("/organization")).body.data.version).toBe(version + 2);
    const changes = await books.backend.run(async ({ db }) =>
      (await db.query("auditLogs").collect()).flatMap((entry) => entry.changes),
    );
    const { sha256 } = answer.body.data as unknown as { sha256: string };
    expect(changes.filter(({ field }) => field === "logo")).toEqual([
      { field: "logo", after: sha256 },
      { field: "logo", before: sha256 },
    ]);
  });

  test("rehearsed is not kept, and a replayed key answers what it answered first", async () => {
    const headers = { "Content-Type": "image/png" };
    await books.request("POST", "/organization/logo?dryRun=true", { raw: png, headers });
    expect((await stored())["logos"]).toBe(0);
    const first = await put(png, "image/png", { "Idempotency-Key": "logo-1" });
    const again = await put(png, "image/png", { "Idempotency-Key": "logo-1" });
    expect(again.headers.get("Idempotency-Replayed")).toBe("true");
    expect(again.body.data).toEqual(first.body.data);
  });

  test("that is no picture is refused by its field, and the one before stays", async () => {
    await put(png);
    const jpeg = jpegOf(40, 40);
    const bad: [Uint8Array<ArrayBuffer>, string][] = [
      [Buffer.from("<svg onload='x'/>"), "image/png"],
      [png, "image/jpeg"],
      [jpeg, "image/png"],
      [png.subarray(0, png.length - 20), "image/png"],
      [jpeg.subarray(0, jpeg.length / 2), "image/jpeg"],
      [jpegOf(MAX_PIXELS / 500 + 1, 500), "image/jpeg"],
    ];
    for (const [index, [raw, type]] of bad.entries()) {
      const { status, code, paths } = await put(raw, type);
      expect([index, status, code, paths]).toEqual([index, 400, "VALIDATION_ERROR", ["body"]]);
    }
    expect((await put(png, "image/svg+xml")).code).toBe("UNSUPPORTED_MEDIA_TYPE");
    expect((await put(Buffer.alloc(0))).paths).toEqual(["body"]);
    expect((await put(Buffer.alloc(512 * 1024 + 1))).code).toBe("PAYLOAD_TOO_LARGE");
    const { sha256, size } = (await books.get("/organization/logo")).body.data as never;
    expect([typeof sha256, size]).toEqual(["string", png.length]);
  });

  test("is the organization's own, and takes its scope to change", async () => {
    await put(png);
    const stranger = await newTenant(books.backend);
    expect((await stranger.request("GET", "/organization/logo")).body.data).toBeNull();
    await stranger.request("DELETE", "/organization/logo");
    expect((await stored())["logos"]).toBe(1);
    const reader = await newKey(books.backend, books.organizationId, ["organization:read"]);
    const options = { raw: png, headers: { "Content-Type": "image/png" } };
    for (const [method, more] of [["POST", options] as const, ["DELETE", {}] as const]) {
      const answer = await reader.request(method, "/organization/logo", more);
      expect(answer.code).toBe("INSUFFICIENT_SCOPE");
    }
    const nobody = { ...options, token: null };
    expect((await books.request("POST", "/organization/logo", nobody)).code).toBe("UNAUTHORIZED");
  });
});

describe("a PNG", () => {
  test("is refused wherever it is cut off or its data is another", () => {
    expect(readPicture(png, "image/png")).toEqual({ width: 120, height: 120 });
    for (let end = 0; end < png.length; end += 7) {
      expect(() => readPicture(png.subarray(0, end), "image/png")).toThrow(NotAPicture);
    }
    const damaged = Buffer.from(png);
    const data = png.indexOf("IDAT") + "IDAT".length;
    damaged.fill(0xff, data, data + 8);
    expect(() => readPicture(damaged, "image/png")).toThrow(NotAPicture);
  });

  test("that would unpack to more than its head says is refused, not unpacked", () => {
    const small = Buffer.from(png);
    small.writeUInt32BE(2, 16);
    small.writeUInt32BE(2, 20);
    expect(() => readPicture(small, "image/png")).toThrow(NotAPicture);
    const huge = Buffer.from(png);
    huge.writeUInt32BE(0x7fffffff, 16);
    expect(() => readPicture(huge, "image/png")).toThrow("pixels");
  });
});
