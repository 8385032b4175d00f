import { cutShort, oneLine } from "../kit/invisible";
import type { ObjectDoc } from "../ontology/registry";

/** How comments are spoken of in inboxes and mails: as plain text, whatever they say. */
const LONGEST_NAME = 120;
const LONGEST_EXCERPT = 500;

/** What an object is called: a task with its key. */
export function nameOfEntity(entity: ObjectDoc): string {
  const { name } = entity;
  const called = entity.type === "task" ? `${entity.customProperties.key} ${name}` : name;
  return shortened(oneLine(called), LONGEST_NAME);
}

/** Who said what, the beginning of it as it was written: no Markdown of it is made anything else. */
export function messageOf({ customProperties: { author, body } }: ObjectDoc<"comment">): string {
  return `${author.name}: ${shortened(body.trim(), LONGEST_EXCERPT)}`;
}

function shortened(text: string, max: number): string {
  return text.length <= max ? text : `${cutShort(text, max).trimEnd()}…`;
}
