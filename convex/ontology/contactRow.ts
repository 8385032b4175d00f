import type { Problem } from "../kit/errors";

/** What a row of a file, or a card, says of a contact. */
export type FieldsOfRow = {
  fields: Record<string, unknown>;
  /** What it says beside them, for which a contact has no place: told, and not kept. */
  left: Problem[];
  /** Why nothing can be made of it. */
  problem: Problem | null;
};

/** Of a property that contacts have no place for at all. */
export const NOT_KEPT = "is not kept";

/** Whether a display name has a word that no part of the name, company or e-mail has. */
export function saysMore(full: string | undefined, said: readonly unknown[]): boolean {
  const known = new Set(said.flatMap((text) => (typeof text === "string" ? wordsOf(text) : [])));
  return wordsOf(full ?? "").some((word) => !known.has(word));
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
}
