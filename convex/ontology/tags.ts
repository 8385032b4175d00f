/**
 * Tags with the number of objects that have them. Each tag is a group of the counts (counts.ts), so
 * an overview reads a row per tag and not one object.
 */
export const TAGS = "tags";

export function tagGroup(type: string, tag: string): string {
  return `${type}#${tag}`;
}
