import { didYouMean } from "../kit/didYouMean";
import { definitionOf } from "./derived";
import { objectTypes, type ObjectType } from "./registry";

/** What happens to what is no object. */
const OTHERS: Record<string, string> = {
  "attachment.created": "A file was attached: its upload is complete, or it is an address.",
  "attachment.updated": "An attachment was renamed, or given to another object.",
  "attachment.deleted": "An attachment was deleted, with its file.",
  "webhook.disabled": "A webhook was switched off, by hand or because it kept failing.",
  "project.member_added": "Somebody is in a project's team now.",
  "project.member_removed": "Somebody left a project's team, or was removed.",
  "member.added": "Somebody became a member by their Clerk organization.",
  "member.joined": "Somebody accepted an invite.",
  "member.role_changed": "A member was given another role.",
  "member.left": "A member left.",
  "member.removed": "A member was removed.",
  "invite.created": "Somebody was invited.",
  "invite.resent": "An invite was sent again.",
  "invite.revoked": "An invite was revoked.",
};

export type EventType = { type: string; objectType: string; description: string };

/** Every type of event, as webhooks deliver them. */
export const eventTypes: readonly EventType[] = [
  ...(Object.keys(objectTypes) as ObjectType[]).flatMap((objectType) => {
    const { resource, verbs } = definitionOf(objectType);
    return verbs.map((verb) => ({
      type: eventTypeOf(objectType, verb),
      objectType,
      description: `${article(resource)} ${resource} was ${verb.replaceAll("_", " ")}.`,
    }));
  }),
  ...Object.entries(OTHERS).map(([type, description]) => ({
    type,
    objectType: type.split(".")[0] ?? "",
    description,
  })),
];

const known: ReadonlySet<string> = new Set(eventTypes.map(({ type }) => type));

export function isEventType(type: string): boolean {
  return known.has(type);
}

/** What is wrong with a text that is no type of event. */
export function unknownEvent(type: string): string {
  return `is not an event; see /webhooks/event-types${didYouMean(type, [...known])}`;
}

/** `invoice.paid` */
export function eventTypeOf(objectType: ObjectType, verb: string): string {
  return `${definitionOf(objectType).resource.replaceAll(" ", "_")}.${verb}`;
}

function article(noun: string): string {
  return /^[aeiou]/.test(noun) ? "An" : "A";
}
