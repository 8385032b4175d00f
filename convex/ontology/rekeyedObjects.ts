import type { Doc } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import type { StoredCustomFields } from "../kit/customFields";
import { withoutInvisible } from "../kit/invisible";
import { unitedIdentity } from "./contactAddresses";
import { listIn } from "./contactMatch";
import { isOfType } from "./reader";
import type { ObjectDoc, Properties } from "./registry";
import type { ObjectStore } from "./store";

/** What a step of making keys anew has come upon. */
export type Found = {
  checked: number;
  changed: number;
  collisions: Doc<"rekeyings">["collisions"];
};

/**
 * What an earlier version stored and today's would not: tags and names of custom fields with characters
 * that nobody sees, and merged contacts that do not know whose addresses they have. It is put right as
 * an update of the object, by nobody's hand but with its entry in the trail.
 */

/** So many merges into one contact are looked at. */
const MERGES_READ = 20;

/** The object itself where nothing is to be put right. */
export async function tidied(
  ctx: MutationCtx,
  store: ObjectStore,
  object: ObjectDoc,
): Promise<ObjectDoc> {
  const { customProperties: stored } = object;
  const before = "tags" in stored ? stored.tags : [];
  const tags = withoutTwins(before.map(withoutInvisible));
  const customFields = "customFields" in stored ? visibleFields(stored.customFields) : null;
  const merged = isOfType(object, "crm_contact") ? await identityBefore(ctx, object) : undefined;
  const changed = {
    ...(before.some((tag) => tag !== withoutInvisible(tag)) ? { tags } : {}),
    ...(customFields ? { customFields } : {}),
    ...(merged ? { merged } : {}),
  };
  if (Object.keys(changed).length === 0) return object;
  const customProperties = changed as Partial<Properties<ObjectDoc["type"]>>;
  return await store.update(object, { customProperties });
}

function withoutTwins(tags: readonly string[]): string[] {
  return [...new Set(tags.map((tag) => tag.trim()).filter((tag) => tag !== ""))];
}

/** Null where all names are visible already. One whose visible name is taken keeps its own. */
function visibleFields(fields: StoredCustomFields | undefined): StoredCustomFields | null {
  if (!fields) return null;
  const taken = new Set(fields.map(({ key }) => key));
  const visible = fields.map((field) => {
    const key = withoutInvisible(field.key);
    if (key === field.key || key === "" || /^[$_]/.test(key) || taken.has(key)) return field;
    taken.add(key);
    return { ...field, key };
  });
  return visible.every((field, index) => field === fields[index]) ? null : visible;
}

/** What merges of before brought: those of the last months are known still. */
async function identityBefore(
  ctx: MutationCtx,
  { _id, customProperties }: ObjectDoc<"crm_contact">,
): Promise<Properties<"crm_contact">["merged"]> {
  const { customFields, merged } = customProperties;
  const lists = ["otherEmails", "otherPhones"].flatMap((field) => listIn(customFields, field));
  if (merged !== undefined || lists.length === 0) return undefined;
  const merges = await ctx.db
    .query("contactMerges")
    .withIndex("by_target", (q) => q.eq("targetId", _id))
    .take(MERGES_READ);
  let person = customProperties;
  for (const { sourceId, status } of merges) {
    const source = status === "undone" ? null : await ctx.db.get("objects", sourceId);
    if (!source || !isOfType(source, "crm_contact")) continue;
    person = { ...person, merged: unitedIdentity(person, source.customProperties) };
  }
  return person.merged;
}
