import * as z from "zod";
import type { Caller } from "../../kit/caller";
import {
  noContent,
  ok,
  readEndpoint,
  type ReadFunction,
  writeEndpoint,
  type WriteFunction,
} from "../../kit/endpoint";
import { exampleId } from "../../kit/exampleId";
import { invalidIn } from "../../kit/errors";
import { entityNamed, entityShape } from "../../comments/entityInput";
import { FOLLOWERS_TOLD, keepFollow } from "../../comments/follows";
import { COUNTED, MAX_UNREAD, unreadOf } from "../../comments/unread";
import { MAX_REVISIONS, revisionsOf } from "../../comments/revisions";
import { addStar, MAX_STARS, removeStar, starredBy } from "../../comments/stars";
import { schemasOf } from "../../ontology/fieldSchemas";
import { commentType } from "../../types/comment/type";
import { endpointsOf, type RouteWords } from "../typeEndpoints";

const tag = "Comments";
const PROJECT_PATH = "/projects/:id/comments";
const inProject = { type: "project", param: "commentId", field: "projectId" } as const;
const everybody = ["api_key", "user", "portal_user"] as const;
/** Stars are a person's, so an API key has none. */
const members = ["user"] as const;
type Member = Extract<Caller, { kind: "user" }>;

const words: Omit<RouteWords, "path" | "examples"> = {
  tag,
  one: "a comment",
  many: "comments",
  readers: everybody,
  writers: everybody,
  beside: {
    name: "ShownComment",
    shape: () => ({
      isStarred: z.boolean().meta({ description: "By who asks; `false` to an API key." }),
      starCount: z.number().int(),
    }),
    of: starredBy,
  },
  filters: () => {
    const { entityType, entityId } = schemasOf(commentType).filters;
    return { entity_type: entityType as z.ZodType, entity_id: entityId as z.ZodType };
  },
  meant: ({ entity_type, entity_id, ...query }) => ({
    ...query,
    ...renamed(query, "entityType", "entity_type", entity_type),
    ...renamed(query, "entityId", "entity_id", entity_id),
  }),
  descriptions: {
    list: "Those that you see, newest first: of one thing by `entityType` and `entityId` (also `entity_type`, `entity_id`), the replies to one by `parentId`. A portal user sees the `client` ones of what is theirs.",
    create:
      "`@username` mentions a member who sees what it is about; `unreachedMentions` lists the names that told nobody. What a portal user writes is `client`.",
    update: `Only who wrote it changes it; what it said before stays in its history, the last ${MAX_REVISIONS}.`,
    remove:
      "By who wrote it, a lead of its project, an owner or a manager. Its replies go with it.",
  },
};

function renamed(
  query: Record<string, unknown>,
  name: string,
  synonym: string,
  given: unknown,
): Record<string, unknown> {
  if (given === undefined) return {};
  if (query[name] === undefined) return { [name]: given };
  throw invalidIn("query", synonym, `is ${name}: give one of them`);
}

const fields = { body: "Shall the logo be larger? @mara-winter", visibility: "client" };
const change = { body: "Shall the logo be larger?" };

/** Over all that is commented on. */
export const { list, create, get, update, remove } = endpointsOf("comment", {
  ...words,
  path: "/comments",
  examples: {
    create: { entityType: "project", entityId: exampleId("projectId"), ...fields },
    update: change,
  },
});

const nested = endpointsOf("comment", {
  ...words,
  path: PROJECT_PATH,
  within: inProject,
  examples: { create: fields, update: change },
});
export const listOfProject = nested.list;
export const createInProject = nested.create;
export const getInProject = nested.get;
export const updateInProject = nested.update;
export const removeInProject = nested.remove;

/** Below its project, and by itself: one route each, and one function. */
type Place = { path: string; within?: typeof inProject };
const flat = (rest: string): Place => ({ path: `/comments/:id/${rest}` });
const ofProject = (rest: string): Place => ({
  path: `${PROJECT_PATH}/:commentId/${rest}`,
  within: inProject,
});

const starAt = (place: Place): WriteFunction =>
  writeEndpoint(
    {
      method: "POST",
      ...place,
      tag,
      summary: "Star a comment",
      description: `For oneself; again is the same. A comment has at most ${MAX_STARS} stars.`,
      scope: "projects:read",
      callers: members,
      subject: "comment",
      answers: { 200: () => z.object({ isStarred: z.literal(true) }) },
      errors: ["CONFLICT"],
    },
    async (ctx, { subject }) => {
      await addStar(ctx, ctx.caller as Member, subject, Date.now());
      return ok({ isStarred: true as const });
    },
  );
export const star = starAt(flat("star"));
export const starInProject = starAt(ofProject("star"));

const unstarAt = (place: Place): WriteFunction =>
  writeEndpoint(
    {
      method: "DELETE",
      ...place,
      tag,
      summary: "Take one's star from a comment",
      description: "Again is the same.",
      scope: "projects:read",
      callers: members,
      subject: "comment",
      answers: { 204: null },
    },
    async (ctx, { subject }) => {
      await removeStar(ctx, ctx.caller as Member, subject);
      return noContent;
    },
  );
export const unstar = unstarAt(flat("star"));
export const unstarInProject = unstarAt(ofProject("star"));

const historyAt = (place: Place): ReadFunction =>
  readEndpoint(
    {
      method: "GET",
      ...place,
      tag,
      summary: "List what a comment said before it was edited",
      description: `The latest first, the last ${MAX_REVISIONS}. Not for portal users.`,
      scope: "projects:read",
      subject: "comment",
      answers: {
        200: () =>
          z.array(
            z
              .object({ body: z.string(), writtenAt: z.number(), replacedAt: z.number() })
              .meta({ id: "CommentRevision" }),
          ),
      },
    },
    async (ctx, { subject }) => {
      const revisions = await revisionsOf(ctx, subject);
      return ok(
        revisions.map(({ body, writtenAt, replacedAt }) => ({ body, writtenAt, replacedAt })),
      );
    },
  );
export const history = historyAt(flat("history"));
export const historyInProject = historyAt(ofProject("history"));

export const follow = writeEndpoint(
  {
    method: "POST",
    path: "/comments/follow",
    tag,
    summary: "Choose what you are told of comments on something",
    description: `\`all\`: of each; \`mentions\`: where you are mentioned; \`none\`: of none. Who has not chosen is told of all where they wrote a comment, were mentioned or hold the task. In the inbox, and by mail where the settings of notifications say so. Of one comment at most ${FOLLOWERS_TOLD} followers are told.`,
    scope: "projects:read",
    callers: members,
    body: () =>
      z
        .strictObject({ ...entityShape(), level: z.enum(["all", "mentions", "none"]) })
        .meta({ id: "CommentFollow" }),
    example: { entityType: "project", entityId: exampleId("projectId"), level: "all" },
    answers: { 200: () => z.null() },
    errors: ["NOT_FOUND"],
  },
  async ({ store, caller, ...ctx }, { body: { level, ...named } }) => {
    const { _id: entityId } = await entityNamed(store, named);
    const { id: userId, organizationId } = caller as Member;
    const whose = { organizationId, entityId, entityType: named.entityType, userId };
    await keepFollow(ctx, whose, { level });
    return ok(null);
  },
);

export const markRead = writeEndpoint(
  {
    method: "POST",
    path: "/comments/read",
    tag,
    summary: "Mark the comments on something as read",
    description: "By you, up to now. Who writes one there has read those before it.",
    scope: "projects:read",
    callers: members,
    body: () => z.strictObject(entityShape()).meta({ id: "CommentsRead" }),
    example: { entityType: "project", entityId: exampleId("projectId") },
    answers: { 200: () => z.null() },
    errors: ["NOT_FOUND"],
  },
  async ({ store, caller, ...ctx }, { body: named }) => {
    const { _id: entityId } = await entityNamed(store, named);
    const { id: userId, organizationId } = caller as Member;
    const whose = { organizationId, entityId, entityType: named.entityType, userId };
    await keepFollow(ctx, whose, { readUpTo: Date.now(), isUnread: false });
    return ok(null);
  },
);

export const listUnread = readEndpoint(
  {
    method: "GET",
    path: "/comments/unread",
    tag,
    summary: "List what has comments that you have not read, the latest first",
    description: `Of those that you were told of, at most ${MAX_UNREAD} things; each is counted up to ${COUNTED}, and \`isMore\` says that there are more.`,
    scope: "projects:read",
    callers: members,
    answers: {
      200: () =>
        z.array(
          z
            .object({
              entityType: z.string(),
              entityId: z.string(),
              unread: z.number().int(),
              isMore: z.boolean(),
              latestAt: z.number(),
            })
            .meta({ id: "UnreadComments" }),
        ),
    },
  },
  async (ctx) => ok(await unreadOf(ctx, ctx.caller as Member)),
);
