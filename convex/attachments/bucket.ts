import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { AwsClient, AwsV4Signer } from "aws4fetch";
import { disposition } from "../kit/disposition";
import { ApiError } from "../kit/errors";
import { addressProblem } from "../kit/hostName";
import { within } from "../kit/within";

/**
 * Cloudflare R2, or any other store that speaks S3, addressed by path. Permissions to upload and
 * download are URLs that are signed here (AWS Signature Version 4) and used by whoever has them.
 */
const VARIABLES = ["R2_ENDPOINT", "R2_BUCKET", "R2_ACCESS_KEY_ID", "R2_SECRET_ACCESS_KEY"] as const;
const TIMEOUT_MS = 20_000;
/** How long a permission to upload holds. */
export const UPLOAD_SECONDS = 15 * 60;

type Settings = {
  endpoint: string;
  bucket: string;
  region: string | undefined;
  accessKeyId: string;
  secretAccessKey: string;
};
export type Announced = { size: number; contentType: string; sha256: string | undefined };
export type Stored = { size: number; contentType: string; sha256: string | undefined };

/** Null where none is set up. @throws SERVICE_UNAVAILABLE where a part of the settings is missing */
export function bucketSettings(): Settings | null {
  const missing = VARIABLES.filter((name) => !process.env[name]);
  if (missing.length === VARIABLES.length) return null;
  const { R2_ENDPOINT: endpoint, R2_BUCKET: bucket } = process.env;
  const { R2_ACCESS_KEY_ID: accessKeyId, R2_SECRET_ACCESS_KEY: secretAccessKey } = process.env;
  if (!endpoint || !bucket || !accessKeyId || !secretAccessKey) {
    throw unavailable(`The bucket of attachments is not set up: ${missing.join(", ")} is not set.`);
  }
  const problem = addressProblem("R2_ENDPOINT", endpoint);
  if (problem !== null) throw unavailable(`The bucket of attachments: ${problem}`);
  // Most stores' addresses tell their region.
  const region = process.env.R2_REGION;
  return { endpoint: endpoint.replace(/\/+$/, ""), bucket, region, accessKeyId, secretAccessKey };
}

/**
 * What an upload must be sent to and with. Type, length and checksum are part of the signature, and
 * so is that nothing may lie there yet: what has been completed cannot be replaced.
 */
export async function presignUpload(
  key: string,
  announced: Announced,
  seconds: number,
): Promise<{ url: string; headers: Record<string, string> }> {
  const headers = {
    "Content-Type": announced.contentType,
    "If-None-Match": "*",
    ...(announced.sha256 === undefined
      ? {}
      : { "x-amz-checksum-sha256": toBase64(hexToBytes(announced.sha256)) }),
  };
  // The length goes without saying: whoever sends the body sends it.
  const signed = { ...headers, "Content-Length": String(announced.size) };
  return { url: await presign("PUT", objectUrl(key), seconds, signed), headers };
}

export async function presignDownload(
  key: string,
  { fileName, contentType }: { fileName: string; contentType: string },
  seconds: number,
): Promise<string> {
  const url = objectUrl(key);
  url.searchParams.set("response-content-disposition", disposition("attachment", fileName));
  url.searchParams.set("response-content-type", contentType);
  return await presign("GET", url, seconds);
}

/** What lies under the key, or null. @throws SERVICE_UNAVAILABLE */
export async function describeObject(key: string): Promise<Stored | null> {
  const answer = await ask("HEAD", key, { "x-amz-checksum-mode": "ENABLED" });
  if (answer.status === 404) return null;
  requireSuccess(answer);
  const checksum = answer.headers.get("x-amz-checksum-sha256");
  return {
    size: Number(answer.headers.get("Content-Length")),
    contentType: answer.headers.get("Content-Type") ?? "",
    // That of an upload in parts ends with their number, and is not of the bytes.
    sha256: checksum?.length === 44 ? bytesToHex(fromBase64(checksum)) : undefined,
  };
}

/** The SHA-256 of what lies there, in hex, for stores that do not tell it. @throws SERVICE_UNAVAILABLE */
export async function hashObject(key: string): Promise<string> {
  const answer = await ask("GET", key);
  requireSuccess(answer);
  const hash = sha256.create();
  const reader = answer.body?.getReader();
  for (;;) {
    const { done = true, value } = (await part(reader)) ?? {};
    if (done || !value) return bytesToHex(hash.digest());
    hash.update(value);
  }
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

async function part(
  reader: Reader | undefined,
): Promise<ReadableStreamReadResult<Uint8Array> | undefined> {
  return reader && (await answered(within(TIMEOUT_MS, () => reader.read())));
}

/** Also of what is not there. @throws SERVICE_UNAVAILABLE */
export async function deleteObject(key: string): Promise<void> {
  const answer = await ask("DELETE", key);
  if (answer.status !== 404) requireSuccess(answer);
}

async function presign(
  method: string,
  url: URL,
  seconds: number,
  headers: Record<string, string> = {},
): Promise<string> {
  url.searchParams.set("X-Amz-Expires", String(seconds));
  const { accessKeyId, secretAccessKey, region } = required();
  const signer = new AwsV4Signer({
    ...{ method, url: url.href, headers, accessKeyId, secretAccessKey },
    ...{ service: "s3", signQuery: true, allHeaders: true },
    ...(region === undefined ? {} : { region }),
  });
  return (await signer.sign()).url.href;
}

async function ask(
  method: string,
  key: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  const { accessKeyId, secretAccessKey, region } = required();
  const client = new AwsClient({
    ...{ accessKeyId, secretAccessKey, service: "s3", retries: 1 },
    ...(region === undefined ? {} : { region }),
  });
  const { href } = objectUrl(key);
  return await answered(
    within(TIMEOUT_MS, (signal) => client.fetch(href, { method, headers, signal })),
  );
}

async function answered<Answer>(asked: Promise<Answer>): Promise<Answer> {
  try {
    return await asked;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw unavailable(`The store of attachments does not answer: ${reason}`);
  }
}

function requireSuccess({ ok, status }: Response): void {
  if (!ok) throw unavailable(`The store of attachments answers ${status}.`);
}

function objectUrl(key: string): URL {
  const { endpoint, bucket } = required();
  return new URL(`${endpoint}/${bucket}/${key}`);
}

function required(): Settings {
  const settings = bucketSettings();
  if (!settings)
    throw unavailable(`The bucket of attachments is not set up: R2_ENDPOINT is not set.`);
  return settings;
}

function unavailable(message: string): ApiError {
  return new ApiError("SERVICE_UNAVAILABLE", message, { retryAfter: 60 });
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

export function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
