import { v } from "convex/values";
import { isOfPerson, withoutAuthor } from "../../comments/erased";
import { cutShort, oneLine } from "../../kit/invisible";
import { ANY_TYPE, CHANGED } from "../../ontology/definition";
import { field } from "../../ontology/fields";
import { defineMappedType, mappedColumns } from "../../ontology/mappedType";

export const MAX_BODY = 20_000;
/** So many people may one comment mention. */
export const MAX_MENTIONS = 50;
const LONGEST_NAME = 80;

/** What is commented on: the words that callers have for types of objects. */
export const ENTITY_TYPES = {
  project: "project",
  task: "task",
  contact: "crm_contact",
  organization: "crm_organization",
  quote: "quote",
  invoice: "invoice",
  recurring_invoice: "recurring_invoice",
  credit_note: "credit_note",
  payment: "payment",
} as const;
export type EntityWord = keyof typeof ENTITY_TYPES;
export const ENTITY_WORDS = Object.keys(ENTITY_TYPES) as [EntityWord, ...EntityWord[]];
/** A record's own `type` will do as well. */
export const ENTITY_SYNONYMS = {
  crm_contact: "contact",
  crm_organization: "organization",
} as const satisfies Record<string, EntityWord>;

const commentFields = {
  projectId: field.reference("project", {
    filter: "parentId",
    description: "The project of what it is about.",
  }).derivedOptional,
  entityType: field.word(ENTITY_WORDS, ENTITY_SYNONYMS, {
    filter: "facet",
    description: "What kind of thing it is about; `project` by default, of a reply its parent's.",
  }).settled,
  entityId: field.referenceBy("entityType", ENTITY_TYPES, "project", {
    filter: "relatedId",
    linkType: "about",
    description:
      "What it is about; below a project by default the project, of a reply its parent's.",
  }).settled,
  body: field.text(MAX_BODY, {
    isSearched: true,
    description: "Markdown, kept as it is written: whoever shows it as HTML sanitizes that.",
  }).required,
  parentId: field.reference("comment", {
    filter: "subjectId",
    linkType: "answers",
    description: "The comment that it answers; a reply has none of its own.",
  }).fixedOptional,
  visibility: field.oneOf(["internal", "client"], {
    description:
      "`client`: customers see it in the portal, where what it is about is theirs. A reply to an internal one is internal.",
  }).settled,
  author: field.actor({ description: "By the name of then." }).derived,
  mentions: field.mentions({
    description: `Members whom \`@username\` names and who see what it is about; at most ${MAX_MENTIONS}.`,
  }).derived,
  unreachedMentions: field.labels(MAX_MENTIONS, 30, {
    description: "Those names of it that told nobody.",
  }).derived,
  editedAt: field.time({ description: "When its text was changed last." }).derivedOptional,
  /** Whose contact may see it in the portal: of a `client` one, as what it is about says. */
  customerIds: field.internal(v.array(v.id("objects"))).derived,
  /** The contact of the portal user who wrote it. */
  authorContactId: field.internal(v.id("objects")).derivedOptional,
  /** It was in another project before: a device may have it from there. */
  hasMoved: field.internal(v.boolean()).derivedOptional,
};

/** What somebody says about an object. */
export const commentType = defineMappedType({
  type: "comment",
  resource: "comment",
  area: "projects",
  subtypes: ["comment"],
  statuses: ["active"],
  verbs: [...CHANGED, "relinked", "erased"],
  map: {
    shape: "flat",
    begins: { subtype: "comment", status: "active" },
    hides: ["subtype", "status", "name"],
    fields: commentFields,
  },
  belongsTo: "project",
  projectAction: "comment",
  owners: { parentId: "project", relatedId: ANY_TYPE, subjectId: "comment" },
  columns({ customProperties: comment }) {
    const columns = mappedColumns(commentFields, comment);
    const { body, customerIds, authorContactId } = comment;
    const customers = customerIds.map((to) => ({ linkType: "said_to", to }));
    const author = authorContactId ? [{ linkType: "said_by", to: authorContactId }] : [];
    return {
      ...columns,
      name: cutShort(oneLine(body.slice(0, 4 * LONGEST_NAME)).trim(), LONGEST_NAME),
      links: [...columns.links, ...customers, ...author],
    };
  },
  portal: {
    through: ["said_to"],
    shows: ({ customProperties: { visibility } }) => visibility === "client",
    about: ({ customProperties: { entityId } }) => entityId,
    changes: true,
  },
  withoutPerson: ({ customProperties: comment }, personId) =>
    isOfPerson(comment, personId) ? withoutAuthor(comment, personId) : null,
});
