/** The `Range` header of a request for a stored file (RFC 9110, section 14). */

export type Range =
  | { kind: "whole" }
  /** Both ends are part of it. */
  | { kind: "part"; first: number; last: number }
  | { kind: "unsatisfiable" };

const WHOLE: Range = { kind: "whole" };
const UNSATISFIABLE: Range = { kind: "unsatisfiable" };

/**
 * What of a file of `size` bytes is asked for. A header that makes no sense is as none. Several ranges
 * are refused, as on Convex; a file without bytes is always sent whole.
 */
export function readRange(header: string | undefined, size: number): Range {
  const specs = /^bytes=(.*)$/i.exec(header ?? "")?.[1]?.split(",") ?? [];
  if (specs.length === 0 || size === 0) return WHOLE;
  const ranges = specs.map((spec) => /^\s*(\d*)-(\d*)\s*$/.exec(spec));
  if (ranges.some((range) => range === null || range[0].trim() === "-")) return WHOLE;
  const [from = "", to = ""] = ranges[0]?.slice(1) ?? [];
  if (from !== "" && to !== "" && Number(to) < Number(from)) return WHOLE;
  if (ranges.length > 1) return UNSATISFIABLE;
  const first = from === "" ? Math.max(0, size - Number(to)) : Number(from);
  const last = from === "" || to === "" ? size - 1 : Math.min(Number(to), size - 1);
  return first > last ? UNSATISFIABLE : { kind: "part", first, last };
}
