"use node";

import { hostNameProblem } from "../kit/hostName";

/** A provider's answer is waited for this long, and read so far. */
const TIMEOUT_MS = 10_000;
const MAX_BYTES = 512 * 1024;

type Options = {
  body?: BodyInit | null | undefined;
  headers?: Record<string, string>;
  method?: string;
  signal?: AbortSignal | undefined;
};

/**
 * `fetch` of a provider, with an end: one that hangs, sends for ever or redirects is one that failed.
 * @throws where there is no whole answer
 */
export async function boundedFetch(
  address: string,
  { body, headers, method }: Options,
): Promise<Response> {
  const problem = hostNameProblem(new URL(address).hostname);
  if (problem !== null) throw new Error(`An address of the provider's ${problem}.`);
  const response = await fetch(address, {
    redirect: "manual",
    signal: AbortSignal.timeout(TIMEOUT_MS),
    ...(method === undefined ? {} : { method }),
    ...(headers === undefined ? {} : { headers }),
    ...(body === undefined ? {} : { body }),
  });
  const bytes = await bytesOf(response);
  const isEmpty = bytes.length === 0 || [204, 304].includes(response.status);
  const { status, headers: answered } = response;
  // What was decoded on the way has another length by now.
  const kept = new Headers(answered);
  for (const name of ["content-encoding", "content-length"]) kept.delete(name);
  return new Response(isEmpty ? null : bytes, { status, headers: kept });
}

async function bytesOf({ body }: Response): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of body ?? []) {
    const bytes = piece as Uint8Array;
    size += bytes.length;
    if (size > MAX_BYTES)
      throw new Error(`The provider's answer has more than ${MAX_BYTES} bytes.`);
    pieces.push(bytes);
  }
  return new Uint8Array(Buffer.concat(pieces));
}
