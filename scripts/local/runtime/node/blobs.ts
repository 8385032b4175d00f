/** Blobs on their way between processes, which can pass each other bytes only. */
export type SentBlob = { blobType: string; bytes: Uint8Array<ArrayBuffer> };

export async function sent(blob: Blob): Promise<SentBlob> {
  return { blobType: blob.type, bytes: new Uint8Array(await blob.arrayBuffer()) };
}

export function received({ blobType, bytes }: SentBlob): Blob {
  return new Blob([bytes], { type: blobType });
}

/** The same arguments with their blobs as bytes. */
export async function sentArguments(args: object): Promise<object> {
  const entries = Object.entries(args) as [string, unknown][];
  const converted = entries.map(
    async ([name, value]) => [name, value instanceof Blob ? await sent(value) : value] as const,
  );
  return Object.fromEntries(await Promise.all(converted));
}

export function receivedArguments(args: object): object {
  const entries = Object.entries(args) as [string, unknown][];
  return Object.fromEntries(
    entries.map(([name, value]) => [name, isSentBlob(value) ? received(value) : value]),
  );
}

function isSentBlob(value: unknown): value is SentBlob {
  return typeof value === "object" && value !== null && "blobType" in value && "bytes" in value;
}
