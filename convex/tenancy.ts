import { compareValues, v, type Value } from "convex/values";
import type * as z from "zod";
import { internal } from "./_generated/api";
import type { Doc, Id } from "./_generated/dataModel";
import { internalMutation, type MutationCtx } from "./_generated/server";
import { endSessionsOf, startSession } from "./accounts/sessions";
import { issueKey } from "./kit/apiKeys";
import { ApiError, notFound } from "./kit/errors";
import type { Mode } from "./kit/mode";
import type { organizationSettings } from "./kit/organizationSettings";
import { defaultSettings } from "./schemas/settingsSchemas";
import { emailKey } from "./kit/email";
import { requireOwnMailbox } from "./oauth/sender";
import { record, type WriteScope } from "./ontology/effects";
import { phoneRegionOf } from "./ontology/phoneRegion";
import { beginRekeying, KEY_RULES } from "./ontology/rekeying";
import { keepFirstSeller } from "./ontology/sellers";
import { followFactorRule } from "./tenants/secondFactorRule";

const founding = v.object({
  organizationId: v.id("organizations"),
  apiKey: v.string(),
  sessionToken: v.string(),
});

/**
 * The first organization with its owner, a key of scope `*` and a session, in one transaction.
 * @throws CONFLICT when the deployment has an organization already.
 */
export const found = internalMutation({
  args: {
    organization: v.string(),
    email: v.string(),
    name: v.string(),
    passwordHash: v.optional(v.string()),
  },
  returns: founding,
  handler: async (ctx, args): Promise<typeof founding.type> => {
    if (await ctx.db.query("organizations").first()) {
      throw new ApiError(
        "CONFLICT",
        "This deployment has an organization already. `bootstrap:recover` gives its owner new credentials.",
      );
    }
    return await createTenant(ctx, args);
  },
});

/** An organization with its owner, a key of scope `*` and a session. */
export async function createTenant(
  ctx: MutationCtx,
  founder: { organization: string; email: string; name: string; passwordHash?: string },
): Promise<typeof founding.type> {
  const { organization, email, name, passwordHash } = founder;
  const createdAt = Date.now();
  const organizationId = await insertOrganization(ctx, organization);
  const userId = await ctx.db.insert("users", {
    name,
    email,
    emailKey: emailKey(email),
    ...(passwordHash === undefined ? {} : { passwordHash }),
    isPlatformAdmin: true,
    createdAt,
  });
  const membership = { userId, organizationId, role: "owner", status: "active" } as const;
  await ctx.db.insert("memberships", { ...membership, createdAt });
  const scope = systemScope(organizationId, "bootstrap");
  await recordFounding(ctx, scope, organization);
  return await credentialsFor(ctx, scope, userId, "First key");
}

/** So many organizations can a person own: founding one costs nothing. */
const MAX_OWNED = 20;

/**
 * An organization that a person founds, with that person as its owner; its mode is for good. Without
 * billing configured every organization is `premium`.
 * @throws CONFLICT for a person who owns as many as anybody may
 */
export async function foundOrganization(
  ctx: MutationCtx,
  person: Doc<"users">,
  { name, mode = "live" }: { name: string; mode?: Mode | undefined },
  { scopeIn }: { scopeIn: (organizationId: Id<"organizations">) => WriteScope },
): Promise<{ organization: Doc<"organizations">; membership: Doc<"memberships"> }> {
  const memberships = await ctx.db
    .query("memberships")
    .withIndex("by_user", (q) => q.eq("userId", person._id))
    .collect();
  if (memberships.filter(({ role }) => role === "owner").length >= MAX_OWNED) {
    throw new ApiError("CONFLICT", `A person owns at most ${MAX_OWNED} organizations.`);
  }
  const organizationId = await insertOrganization(ctx, name, mode);
  const membership = {
    userId: person._id,
    organizationId,
    role: "owner",
    status: "active",
  } as const;
  const membershipId = await ctx.db.insert("memberships", { ...membership, createdAt: Date.now() });
  await recordFounding(ctx, scopeIn(organizationId), name, mode);
  const made = {
    organization: await ctx.db.get("organizations", organizationId),
    membership: await ctx.db.get("memberships", membershipId),
  };
  if (!made.organization || !made.membership) throw new Error("What was made is missing.");
  return { organization: made.organization, membership: made.membership };
}

export async function insertOrganization(
  ctx: MutationCtx,
  name: string,
  mode: Mode = "live",
): Promise<Id<"organizations">> {
  const createdAt = Date.now();
  return await ctx.db.insert("organizations", {
    ...defaultSettings,
    name,
    tier: "premium",
    keyRules: KEY_RULES,
    phoneRegion: "",
    ...(mode === "test" ? { mode } : {}),
    version: 1,
    createdAt,
    updatedAt: createdAt,
  });
}

export async function recordFounding(
  ctx: MutationCtx,
  scope: WriteScope,
  name: string,
  mode: Mode = "live",
): Promise<void> {
  await record(ctx, scope, {
    action: "organization.created",
    objectType: "organization",
    objectId: scope.organizationId,
    changes: [
      { field: "name", after: name },
      ...(mode === "test" ? [{ field: "mode", after: mode }] : []),
    ],
  });
}

/** New credentials for an owner who has lost them; only the deployment's operator can call it. */
export const recover = internalMutation({
  args: { email: v.string(), passwordHash: v.string() },
  returns: founding,
  handler: async (ctx, { email, passwordHash }): Promise<typeof founding.type> => {
    const user = await ctx.db
      .query("users")
      .withIndex("by_emailKey", (q) => q.eq("emailKey", emailKey(email)))
      .unique();
    if (!user) throw notFound("user");
    const memberships = await ctx.db
      .query("memberships")
      .withIndex("by_user", (q) => q.eq("userId", user._id))
      .collect();
    const owned = memberships.find(({ role, status }) => role === "owner" && status === "active");
    if (!owned) throw new ApiError("FORBIDDEN", "This user owns no organization.");
    await ctx.db.patch("users", user._id, {
      ...{ deletedAt: undefined, passwordHash },
      passwordVersion: (user.passwordVersion ?? 0) + 1,
    });
    await endSessionsOf(ctx, user._id);
    const scope = systemScope(owned.organizationId, "recovery");
    const subject = { objectType: "user", objectId: user._id, changes: [] };
    await record(ctx, scope, { action: "user.recovered", ...subject });
    return await credentialsFor(ctx, scope, user._id, "Recovery key");
  },
});

/**
 * Makes a member of staff an administrator of the deployment, who sees what concerns all organizations,
 * or takes that away; only the deployment's operator can call it. The trail of each organization that
 * they belong to says so. @throws USER_NOT_FOUND
 */
export const setPlatformAdmin = internalMutation({
  args: { email: v.string(), isPlatformAdmin: v.boolean() },
  returns: v.null(),
  handler: async (ctx, { email, isPlatformAdmin: after }): Promise<null> => {
    const user = await ctx.db
      .query("users")
      .withIndex("by_emailKey", (q) => q.eq("emailKey", emailKey(email)))
      .unique();
    if (!user) throw notFound("user");
    const { _id: objectId, isPlatformAdmin: before } = user;
    if (before === after) return null;
    await ctx.db.patch("users", objectId, { isPlatformAdmin: after });
    const changes = [{ field: "isPlatformAdmin", before, after }];
    const memberships = await ctx.db
      .query("memberships")
      .withIndex("by_status", (q) => q.eq("userId", objectId).eq("status", "active"))
      .collect();
    for (const { organizationId } of memberships) {
      const subject = { objectType: "user", objectId, changes };
      await record(ctx, systemScope(organizationId, "operator"), {
        ...{ action: "user.updated", ...subject },
      });
    }
    return null;
  },
});

/** Changes given settings; `null` clears. An update that changes nothing keeps the version. */
export async function changeSettings(
  ctx: MutationCtx,
  scope: WriteScope,
  organization: Doc<"organizations">,
  settings: SettingsChanges,
): Promise<Doc<"organizations">> {
  const changes = Object.entries(settings)
    .map(([field, value]) => ({
      field,
      before: organization[field as keyof typeof settings],
      after: value ?? undefined,
    }))
    .filter(({ before, after }) => compareValues(before, after) !== 0);
  if (changes.length === 0) return organization;
  const { senderConnectionId } = settings;
  if (changes.some(({ field }) => field === "senderConnectionId") && senderConnectionId) {
    await requireOwnMailbox(ctx, scope, senderConnectionId);
  }
  await keepFirstSeller(ctx, organization);
  await ctx.db.patch(
    "organizations",
    organization._id,
    Object.fromEntries(changes.map(({ field, after }) => [field, after])),
  );
  if (changes.some(({ field }) => field === "requireSecondFactor")) {
    await followFactorRule(ctx, scope, settings.requireSecondFactor === true);
  }
  if (settings.address !== undefined) await followCountry(ctx, organization, settings.address);
  if (changes.some(({ field }) => field === "senderConnectionId")) {
    const organizationId = organization._id;
    await ctx.scheduler.runAfter(0, internal.delivery.queue.release, { organizationId });
  }
  if (settings.allowedOrigins) await replaceOrigins(ctx, organization._id, settings.allowedOrigins);
  return await settingsChanged(ctx, scope, organization, changes);
}

/** Phone numbers without a country code are of another country then: their keys are made anew. */
async function followCountry(
  ctx: MutationCtx,
  organization: Doc<"organizations">,
  address: Settings["address"] | null,
): Promise<void> {
  const moved = { address: address ?? undefined, phoneRegion: undefined };
  if (phoneRegionOf(moved) !== phoneRegionOf(organization)) {
    await beginRekeying(ctx, organization._id);
  }
}

/** The next version of the settings, and its entry in the audit trail. */
export async function settingsChanged(
  ctx: MutationCtx,
  scope: WriteScope,
  { _id, version }: Doc<"organizations">,
  changes: { field: string; before?: Value | undefined; after?: Value | undefined }[],
): Promise<Doc<"organizations">> {
  await ctx.db.patch("organizations", _id, { version: version + 1, updatedAt: Date.now() });
  await record(ctx, scope, {
    action: "organization.updated",
    objectType: "organization",
    objectId: _id,
    changes: changes.map(({ field, before, after }) => ({
      field,
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
    })),
  });
  const changed = await ctx.db.get("organizations", _id);
  if (!changed) throw new Error(`Organization ${_id} vanished.`);
  return changed;
}

type Settings = z.output<ReturnType<typeof organizationSettings>>;
type SettingsChanges = { [F in keyof Settings]?: Settings[F] | null };

async function replaceOrigins(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  origins: readonly string[],
): Promise<void> {
  const rows = await ctx.db
    .query("organizationOrigins")
    .withIndex("by_organization", (q) => q.eq("organizationId", organizationId))
    .collect();
  for (const row of rows) await ctx.db.delete("organizationOrigins", row._id);
  for (const origin of new Set(origins)) {
    await ctx.db.insert("organizationOrigins", { organizationId, origin });
  }
}

async function credentialsFor(
  ctx: MutationCtx,
  scope: WriteScope,
  userId: Id<"users">,
  keyName: string,
): Promise<typeof founding.type> {
  const { token: apiKey } = await issueKey(ctx, scope, { name: keyName, scopes: ["*"] });
  const request = { ip: null, userAgent: null };
  const { token } = await startSession(ctx, userId, { method: "operator", request });
  return { organizationId: scope.organizationId, apiKey, sessionToken: token };
}

/** The scope of what the deployment itself does; the trace id says by which of its jobs. */
export function systemScope(organizationId: Id<"organizations">, traceId: string): WriteScope {
  const actor = { type: "system" as const, id: "system", name: "Freehold" };
  return { organizationId, actor, traceId, ip: null, userAgent: null };
}
