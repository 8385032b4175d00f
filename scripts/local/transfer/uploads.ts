/** What `convex import` is sending, part by part, each on disk before it is acknowledged. */
import { createHash, randomBytes } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, open, rm } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { checkDiskSpace } from "../database/diskSpace";
import { UploadRefused } from "./staging";

/** More than one person imports at a time; of more, the one that has been idle longest makes way. */
const MAX_UPLOADS = 10;
const MAX_PARTS = 10_000;
const MAX_PART_BYTES = 256 * 2 ** 20;

export class Uploads {
  /** By token, the one that has been idle longest first. */
  private readonly parts = new Map<string, Map<number, string>>();

  constructor(private readonly folder: string) {}

  /** A token under which parts can be sent. */
  async start(): Promise<string> {
    // A command line that was interrupted never says so.
    const [idlest] = this.parts.keys();
    if (idlest !== undefined && this.parts.size >= MAX_UPLOADS) {
      this.parts.delete(idlest);
      await rm(path.join(this.folder, idlest), { recursive: true, force: true });
    }
    const token = randomBytes(16).toString("hex");
    this.parts.set(token, new Map());
    await mkdir(path.join(this.folder, token), { recursive: true, mode: 0o700 });
    return token;
  }

  /** Keeps a part; what it answers has to be given to `finish`. @throws UploadRefused, DiskFull */
  async part(token: string, number: number, source: AsyncIterable<Uint8Array>): Promise<string> {
    const parts = this.of(token);
    this.parts.delete(token);
    this.parts.set(token, parts);
    if (!Number.isInteger(number) || number < 1 || number > MAX_PARTS) {
      throw new UploadRefused(`partNumber must be a whole number from 1 to ${MAX_PARTS}`);
    }
    const hash = createHash("sha256");
    const file = await open(this.pathOf(token, number), "w", 0o600);
    try {
      let size = 0;
      for await (const chunk of source) {
        size += chunk.byteLength;
        if (size > MAX_PART_BYTES) {
          throw new UploadRefused(`A part may have at most ${MAX_PART_BYTES} bytes`);
        }
        checkDiskSpace(this.folder, chunk.byteLength);
        hash.update(chunk);
        await file.writeFile(chunk);
      }
    } finally {
      await file.close();
    }
    const partToken = `${number}:${hash.digest("hex")}`;
    parts.set(number, partToken);
    return partToken;
  }

  /** Puts the parts together; resolves with the folder that is now the import's, and the file in it. */
  async finish(
    token: string,
    partTokens: readonly string[],
  ): Promise<{ folder: string; file: string }> {
    const parts = this.of(token);
    partTokens.forEach((partToken, index) => {
      if (parts.get(index + 1) === partToken) return;
      throw new UploadRefused(`Part ${index + 1} is not the one that was uploaded`);
    });
    if (parts.size !== partTokens.length) {
      throw new UploadRefused(`${parts.size} parts were uploaded, not ${partTokens.length}`);
    }
    this.parts.delete(token);
    const folder = path.join(this.folder, token);
    const file = path.join(folder, "upload");
    await open(file, "w", 0o600).then((handle) => handle.close());
    for (let number = 1; number <= partTokens.length; number++) {
      const part = this.pathOf(token, number);
      await pipeline(createReadStream(part), createWriteStream(file, { flags: "a" }));
      await rm(part);
    }
    return { folder, file };
  }

  private of(token: string): Map<number, string> {
    const parts = this.parts.get(token);
    if (parts === undefined) throw new UploadRefused("There is no such upload");
    return parts;
  }

  private pathOf(token: string, number: number): string {
    return path.join(this.folder, token, `part-${number}`);
  }
}
