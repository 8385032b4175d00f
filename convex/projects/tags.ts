import type { Doc } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { ApiError, FieldError, notFound } from "../kit/errors";
import type { ObjectDoc } from "../ontology/registry";
import type { ObjectStore } from "../ontology/store";
import { requireWork } from "../team/roles";

/** So many tags has a project at most. */
export const MAX_PROJECT_TAGS = 50;

type Project = ObjectDoc<"project">;
type Tag = Doc<"projectTags">;

/** @throws FORBIDDEN; CONFLICT for a name that the project has (in any case), or one tag more than there may be */
export async function addTag(
  ctx: MutationCtx,
  store: ObjectStore,
  project: Project,
  { name, color }: { name: string; color?: string | undefined },
  now: number,
): Promise<Tag> {
  await requireWork(ctx, store.scope, project._id);
  const tags = await tagsOf(ctx, project);
  const same = tags.find((tag) => keyOf(tag.name) === keyOf(name));
  if (same) throw new FieldError("CONFLICT", "The project has this tag.", "name", { id: same._id });
  if (tags.length >= MAX_PROJECT_TAGS) {
    const message = `A project has at most ${MAX_PROJECT_TAGS} tags.`;
    throw new ApiError("CONFLICT", message, { details: { limit: MAX_PROJECT_TAGS } });
  }
  const { organizationId, _id: projectId } = project;
  const tag = { organizationId, projectId, name, ...(color ? { color } : {}), createdAt: now };
  const id = await ctx.db.insert("projectTags", tag);
  await say(store, project, [...tags.map((each) => each.name), name]);
  const made = await ctx.db.get("projectTags", id);
  if (!made) throw new Error(`Tag ${id} vanished within its own transaction.`);
  return made;
}

/** Those of a project that is made with them: its record has their names already. */
export async function insertTags(
  ctx: MutationCtx,
  { organizationId, _id: projectId }: Project,
  tags: readonly { name: string; color?: string | undefined }[],
  now: number,
): Promise<void> {
  for (const tag of tags) {
    await ctx.db.insert("projectTags", { organizationId, projectId, ...tag, createdAt: now });
  }
}

/** @throws FORBIDDEN, TAG_NOT_FOUND */
export async function removeTag(
  ctx: MutationCtx,
  store: ObjectStore,
  project: Project,
  tagId: string,
): Promise<void> {
  await requireWork(ctx, store.scope, project._id);
  const tags = await tagsOf(ctx, project);
  const tag = tags.find(({ _id }) => _id === tagId);
  if (!tag) throw notFound("tag");
  await ctx.db.delete("projectTags", tag._id);
  const left = tags.filter(({ _id }) => _id !== tag._id);
  await say(
    store,
    project,
    left.map(({ name }) => name),
  );
}

/** In the order in which they were made. */
export async function tagsOf(
  ctx: QueryCtx,
  { organizationId, _id }: Pick<Project, "organizationId" | "_id">,
): Promise<Tag[]> {
  return await ctx.db
    .query("projectTags")
    .withIndex("by_project", (q) => q.eq("organizationId", organizationId).eq("projectId", _id))
    .take(MAX_PROJECT_TAGS);
}

/** A project that goes takes them with it. */
export async function removeTags(ctx: MutationCtx, project: Project): Promise<void> {
  for (const { _id } of await tagsOf(ctx, project)) await ctx.db.delete("projectTags", _id);
}

async function say(store: ObjectStore, project: Project, tagNames: string[]): Promise<void> {
  await store.update(project, { customProperties: { tagNames } });
}

function keyOf(name: string): string {
  return name.normalize("NFKC").toLowerCase();
}
