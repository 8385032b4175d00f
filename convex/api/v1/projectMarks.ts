import * as z from "zod";
import type { Doc } from "../../_generated/dataModel";
import type { Caller } from "../../kit/caller";
import { created, noContent, ok, readEndpoint, writeEndpoint } from "../../kit/endpoint";
import { once } from "../../kit/once";
import { lineLabel } from "../../kit/text";
import { addFavorite, favoritesOf, MAX_FAVORITES, removeFavorite } from "../../projects/favorites";
import { addTag, MAX_PROJECT_TAGS, removeTag, tagsOf } from "../../projects/tags";

/** What people mark projects with: favorites for oneself, tags for all. */
const tag = "Projects";
/** A favorite is a person's, so an API key has none. */
const callers = ["user"] as const;
type Member = Extract<Caller, { kind: "user" }>;

export const favorite = writeEndpoint(
  {
    method: "POST",
    path: "/projects/:id/favorite",
    tag,
    summary: "Mark a project as a favorite of yours",
    description: `Again is the same. At most ${MAX_FAVORITES}.`,
    scope: "projects:read",
    callers,
    subject: "project",
    answers: { 200: () => z.object({ isFavorite: z.literal(true) }) },
    errors: ["CONFLICT"],
  },
  async (ctx, { subject }) => {
    await addFavorite(ctx, ctx.caller as Member, subject._id, Date.now());
    return ok({ isFavorite: true as const });
  },
);

export const unfavorite = writeEndpoint(
  {
    method: "DELETE",
    path: "/projects/:id/favorite",
    tag,
    summary: "Take a project from your favorites",
    description: "Again is the same.",
    scope: "projects:read",
    callers,
    subject: "project",
    answers: { 204: null },
  },
  async (ctx, { subject }) => {
    await removeFavorite(ctx, ctx.caller as Member, subject._id);
    return noContent;
  },
);

export const listFavorites = readEndpoint(
  {
    method: "GET",
    path: "/favorites",
    tag,
    summary: "List your favorites, the latest first",
    description: "Those that you still see.",
    scope: "projects:read",
    callers,
    answers: {
      200: () =>
        z.array(
          z
            .object({
              projectId: z.string(),
              name: z.string(),
              projectCode: z.string(),
              favoritedAt: z.number(),
            })
            .meta({ id: "Favorite" }),
        ),
    },
  },
  async (ctx) => {
    const favorites = await favoritesOf(ctx, ctx.caller as Member);
    const shown = favorites.map(({ project, favoritedAt }) => {
      const { _id: projectId, name, customProperties } = project;
      return { projectId, name, projectCode: customProperties.projectCode, favoritedAt };
    });
    return ok(shown);
  },
);

const tagRecord = once(() =>
  z
    .object({
      id: z.string(),
      name: z.string(),
      color: z.string().nullable(),
      createdAt: z.number(),
    })
    .meta({ id: "ProjectTag" }),
);

export const listTags = readEndpoint(
  {
    method: "GET",
    path: "/projects/:id/tags",
    tag,
    summary: "List a project's tags",
    description: "`GET /projects?tags=` finds projects by their names.",
    scope: "projects:read",
    subject: "project",
    answers: { 200: () => z.array(tagRecord()) },
  },
  async (ctx, { subject }) => ok((await tagsOf(ctx, subject)).map(tagView)),
);

export const createTag = writeEndpoint(
  {
    method: "POST",
    path: "/projects/:id/tags",
    tag,
    summary: "Tag a project",
    description: `At most ${MAX_PROJECT_TAGS}; one that it has in any case is refused.`,
    scope: "projects:write",
    subject: "project",
    body: () =>
      z
        .strictObject({
          name: lineLabel(50),
          color: z
            .string()
            .regex(/^#[0-9a-fA-F]{6}$/, "must be a colour such as #1e90ff")
            .toLowerCase()
            .optional(),
        })
        .meta({ id: "ProjectTagCreation" }),
    example: { name: "Website", color: "#1e90ff" },
    answers: { 201: tagRecord },
    errors: ["CONFLICT"],
  },
  async ({ store, ...ctx }, { subject, body }) =>
    created(tagView(await addTag(ctx, store, subject, body, Date.now()))),
);

export const deleteTag = writeEndpoint(
  {
    method: "DELETE",
    path: "/projects/:id/tags/:tagId",
    tag,
    summary: "Take a tag from a project",
    scope: "projects:write",
    subject: "project",
    params: () => z.object({ tagId: z.string() }),
    answers: { 204: null },
    errors: ["NOT_FOUND"],
  },
  async ({ store, ...ctx }, { subject, params }) => {
    await removeTag(ctx, store, subject, params.tagId);
    return noContent;
  },
);

function tagView({ _id: id, name, color, createdAt }: Doc<"projectTags">): {
  id: string;
  name: string;
  color: string | null;
  createdAt: number;
} {
  return { id, name, color: color ?? null, createdAt };
}
