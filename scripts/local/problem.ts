/**
 * Something the person at the terminal can put right: printed as one line on stderr, without a
 * stack, before the process ends with status 1.
 */
export class Problem extends Error {
  override readonly name = "Problem";
}

/** The text of anything thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The code of a failed system call (`EADDRINUSE`, `ENOENT`, …), if it was one. */
export function codeOf(thrown: unknown): string | undefined {
  if (thrown instanceof Error && "code" in thrown && typeof thrown.code === "string") {
    return thrown.code;
  }
  return undefined;
}
