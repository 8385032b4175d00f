import { ApiError, invalid } from "./errors";

/** An object's version as an entity tag (RFC 9110, 8.8.3). */
export function entityTag(version: number): string {
  return `"${version}"`;
}

/**
 * `If-Match` (RFC 9110, 13.1.1): `*` or a list of tags of which one must be the current version.
 * @throws VERSION_MISMATCH; VALIDATION_ERROR for a header that is no list of tags.
 */
export function requireVersion(ifMatch: string | undefined, version: number): void {
  if (ifMatch === undefined || ifMatch.trim() === "*") return;
  const tags = ifMatch.split(",").map((tag) => tag.trim());
  // A bare number is what people type; it can mean only the version.
  if (!tags.every((tag) => /^(W\/)?"[^"]*"$|^\d+$/.test(tag))) {
    throw invalid([{ path: "headers.If-Match", message: 'must be a version such as "3", or *' }]);
  }
  if (tags.some((tag) => tag === entityTag(version) || tag === String(version))) return;
  throw new ApiError("VERSION_MISMATCH", "It has changed since the version in If-Match.", {
    details: { current: version },
  });
}

/** `If-None-Match` on a read: whether the caller already has this version. */
export function hasVersion(ifNoneMatch: string | null, version: number): boolean {
  const tags = (ifNoneMatch ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return tags.includes("*") || tags.includes(entityTag(version));
}
