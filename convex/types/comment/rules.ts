import { internal } from "../../_generated/api";
import type { Id } from "../../_generated/dataModel";
import { isAuthor, requireAuthor } from "../../comments/authors";
import { customersAt, isForCustomers, projectIdOf } from "../../comments/entities";
import { keepFollow } from "../../comments/follows";
import { mentionsIn } from "../../comments/mentions";
import { keepRevision } from "../../comments/revisions";
import { invalidFields, missingReference } from "../../kit/errors";
import { onlyVisible } from "../../kit/invisible";
import { definitionOf } from "../../ontology/derived";
import type { ObjectDoc, Properties } from "../../ontology/registry";
import type { RuleContext, TypeRules } from "../../ontology/typeRules";
import { requireProjectAction } from "../../team/roles";
import { ENTITY_TYPES, type EntityWord } from "./type";

type Comment = ObjectDoc<"comment">;
type Given = Partial<Properties<"comment">>;

export const commentRules: TypeRules<"comment"> = {
  check({ body }) {
    if (body === undefined || onlyVisible(body).trim() !== "") return;
    throw invalidFields([{ field: "body", message: "must not be empty" }]);
  },
  async gives(context, { customProperties: given }) {
    const { ctx, store } = context;
    const { organizationId, scope } = store;
    const parent = given.parentId ? await store.require("comment", given.parentId) : null;
    const { entityType, entity } = await entityMeant(context, given, parent);
    const projectId = projectIdOf(entity);
    if (given.projectId !== undefined && given.projectId !== projectId) {
      const { resource } = definitionOf(entity.type);
      throw parent
        ? missingReference("comment", "parentId")
        : missingReference(resource, "entityId");
    }
    if (projectId) await requireComment(context, projectId);
    const visibility = visibilityOf(context, given, entityType, parent);
    return {
      ...{ projectId, entityType, entityId: entity._id, visibility },
      ...{ author: scope.actor, authorContactId: scope.viewer?.contactId ?? undefined },
      customerIds: visibility === "client" ? await customersAt(ctx, entity) : [],
      ...(await mentionsIn(ctx, organizationId, given.body ?? "", projectId)),
    };
  },
  async changes({ ctx, store }, comment, { properties: { body, projectId } }) {
    await requireAuthor(ctx, store.scope, comment, "changes");
    if (body === comment.customProperties.body) return {};
    const now = Date.now();
    await keepRevision(ctx, comment, now);
    const mentioned = await mentionsIn(ctx, store.organizationId, body, projectId);
    return { ...mentioned, editedAt: now };
  },
  async entails({ ctx, store }, before, after) {
    const { _id: commentId, organizationId, createdAt } = after;
    const { entityId, entityType, author, mentions } = after.customProperties;
    const isNew = before === null;
    const userId = author.type === "user" ? await store.findMember(author.id) : null;
    if (isNew && userId) {
      const whose = { organizationId, entityId, entityType, userId };
      await keepFollow(ctx, whose, { takesPart: true, readUpTo: createdAt, isUnread: false });
    }
    if (!isNew && mentions.length === 0) return after;
    await ctx.scheduler.runAfter(0, internal.comments.telling.tell, {
      commentId,
      isNew,
      after: "",
    });
    return after;
  },
  async requireRestorable(comment, { ctx, store }) {
    await requireAuthor(ctx, store.scope, comment, "changes");
  },
  async requireRemovable(comment, { ctx, store }) {
    const { scope } = store;
    if (await isAuthor(ctx, scope, comment)) return;
    const { projectId } = comment.customProperties;
    if (scope.viewer || (scope.member !== undefined && projectId === undefined)) {
      await requireAuthor(ctx, scope, comment, "deletes");
    }
    if (projectId === undefined) return;
    const project = { organizationId: store.organizationId, _id: projectId };
    await requireProjectAction(ctx, scope, project, "delete others' comments");
  },
};

/** What a comment is about: as it says, of a reply what its parent is about. */
async function entityMeant(
  { store }: RuleContext,
  { entityType, entityId, projectId }: Given,
  parent: Comment | null,
): Promise<{ entityType: EntityWord; entity: ObjectDoc }> {
  if (parent) {
    const about = parent.customProperties;
    if (about.parentId !== undefined) {
      const message = "must not be a reply itself: there is one level";
      throw invalidFields([{ field: "parentId", message }]);
    }
    const isOther =
      (entityId !== undefined && entityId !== about.entityId) ||
      (entityType !== undefined && entityType !== about.entityType);
    if (isOther) {
      throw invalidFields([{ field: "parentId", message: "is about something else" }]);
    }
    const entity = await store.findDeletedToo(about.entityId);
    if (!entity || entity.lifecycle === "deleted") throw missingReference("comment", "parentId");
    return { entityType: about.entityType, entity };
  }
  const word = entityType ?? "project";
  const id = entityId ?? (word === "project" ? projectId : undefined);
  if (id === undefined) {
    throw invalidFields([{ field: "entityId", message: "is required: what the comment is about" }]);
  }
  const type = ENTITY_TYPES[word];
  const entity = await store.find(type, id);
  if (!entity) throw missingReference(definitionOf(type).resource, "entityId");
  return { entityType: word, entity };
}

/** A reply to an internal comment is internal, whatever was sent; what a customer writes is for customers. */
function visibilityOf(
  { store }: RuleContext,
  { visibility }: Given,
  entityType: EntityWord,
  parent: Comment | null,
): Properties<"comment">["visibility"] {
  if (store.viewer) {
    if (visibility !== "internal") return "client";
    throw invalidFields([{ field: "visibility", message: "must be client: you write as one" }]);
  }
  if (parent?.customProperties.visibility === "internal") return "internal";
  if (visibility === "client" && !isForCustomers(entityType)) {
    const message = `must be internal: customers never see what is said of a ${entityType}`;
    throw invalidFields([{ field: "visibility", message }]);
  }
  return visibility ?? "internal";
}

async function requireComment(
  { ctx, store }: RuleContext,
  projectId: Id<"objects">,
): Promise<void> {
  const project = { organizationId: store.organizationId, _id: projectId };
  await requireProjectAction(ctx, store.scope, project, "comment");
}
