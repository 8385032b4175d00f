/** A store that speaks S3 and checks AWS signatures, version 4, with all headers that they sign. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import S3rver from "@20minutes/s3rver";

const BUCKET = "files";

/**
 * AWS signs a query as RFC 3986 writes it, where `'()*!` are escaped. The store recomputes the
 * signature with the language's own function, which leaves them, so this one is made stricter.
 */
const escape = globalThis.encodeURIComponent;
globalThis.encodeURIComponent = (text) =>
  escape(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );

export type TestBucket = {
  url: string;
  /** What a deployment must be told of it. */
  env: Record<string, string>;
  /** The keys that lie in it. */
  keys(): Promise<string[]>;
  close(): Promise<void>;
};

export async function startBucket(): Promise<TestBucket> {
  const directory = await mkdtemp(path.join(tmpdir(), "bucket-"));
  const server = new S3rver({
    ...{ address: "127.0.0.1", port: 0, silent: true, directory, vhostBuckets: false },
    configureBuckets: [{ name: BUCKET }],
  });
  const { port } = await server.run();
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    env: {
      R2_ENDPOINT: url,
      R2_BUCKET: BUCKET,
      R2_ACCESS_KEY_ID: "S3RVER",
      R2_SECRET_ACCESS_KEY: "S3RVER",
    },
    keys: async () => {
      const names = await readdir(path.join(directory, BUCKET), { recursive: true });
      return names.filter((name) => name.endsWith("_object"));
    },
    close: async () => {
      await server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
