import type { Doc, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { organizationOf } from "../kit/own";
import { MAX_BYTES } from "../kit/page";
import { DEFAULT_LOCALE, DEFAULT_TIME_ZONE } from "./profile";
import { activeMemberships } from "./memberships";
import { passkeysOf } from "./passkeys";
import { passkeyView } from "./passkeyView";
import { livingSessions } from "./sessions";
import { settingsOf } from "../delivery/notificationSettings";

/**
 * The parts of what is held of a person, each read a page at a time. No secret is in it (hashes, tokens),
 * and nothing that is said of others: of what they did in organizations it is told what, when and from
 * where, not what the organization's records say.
 */
type User = Doc<"users">;
export type Section = {
  name: string;
  /** Read once for each organization that they belong to. */
  isPerOrganization?: true;
  read(ctx: QueryCtx, asked: Asked): Promise<Page>;
};
type Asked = { user: User; organizationId: Id<"organizations"> | null; cursor: string | null };
type Page = { rows: object[]; cursor: string | null };

const ROWS = { numItems: 200, maximumBytesRead: MAX_BYTES };
const MOST_ROWS = 1000;

export const SECTIONS: readonly Section[] = [
  { name: "profile", read: async (_ctx, { user }) => whole([profileIn(user)]) },
  { name: "memberships", read: async (ctx, { user }) => whole(await membershipsIn(ctx, user)) },
  {
    name: "sessions",
    read: async (ctx, { user }) => whole((await livingSessions(ctx, user._id)).map(sessionIn)),
  },
  { name: "knownDevices", read: async (ctx, { user }) => whole(await knownDevicesIn(ctx, user)) },
  {
    name: "signInAccounts",
    read: async (ctx: QueryCtx, { user }: Asked): Promise<Page> => {
      const accounts = await ctx.db
        .query("oauthAccounts")
        .withIndex("by_user", (q) => q.eq("userId", user._id))
        .take(MOST_ROWS);
      return whole(
        accounts.map(({ provider, issuer, subject, createdAt }) => ({
          ...{ provider, issuer, subject, createdAt },
        })),
      );
    },
  },
  { name: "passkeys", read: async (ctx, { user }) => whole(await passkeysIn(ctx, user)) },
  { name: "connections", read: async (ctx, { user }) => whole(await connectionsIn(ctx, user)) },
  {
    name: "letters",
    read: async (ctx: QueryCtx, { user, cursor }: Asked): Promise<Page> => {
      const { page, isDone, continueCursor } = await ctx.db
        .query("accountMails")
        .withIndex("by_user", (q) => q.eq("userId", user._id))
        .order("desc")
        .paginate({ ...ROWS, cursor });
      const rows = page.map(({ to, template, language, createdAt, sentAt, data }) => ({
        ...{ to, template, language, createdAt, sentAt, data },
      }));
      return { rows, cursor: isDone ? null : continueCursor };
    },
  },
  {
    name: "devices",
    isPerOrganization: true,
    read: async (ctx: QueryCtx, { user, organizationId }: Asked): Promise<Page> => {
      if (organizationId === null) return whole([]);
      const devices = await ctx.db
        .query("devices")
        .withIndex("by_user", (q) => q.eq("organizationId", organizationId).eq("userId", user._id))
        .take(MOST_ROWS);
      return whole(
        devices.map(({ deviceId, name, platform, appVersion, activatedAt, lastSeenAt }) => ({
          ...{ organizationId, deviceId, name, platform, appVersion, activatedAt, lastSeenAt },
        })),
      );
    },
  },
  {
    name: "notificationSettings",
    isPerOrganization: true,
    read: async (ctx: QueryCtx, { user, organizationId }: Asked): Promise<Page> => {
      const settings = organizationId && (await settingsOf(ctx, organizationId, user._id));
      return whole(settings ? [{ organizationId, choices: settings.choices }] : []);
    },
  },
  {
    name: "inbox",
    isPerOrganization: true,
    read: async (ctx: QueryCtx, { user, organizationId, cursor }: Asked): Promise<Page> => {
      if (organizationId === null) return whole([]);
      const { page, isDone, continueCursor } = await ctx.db
        .query("notifications")
        .withIndex("by_user", (q) => q.eq("organizationId", organizationId).eq("userId", user._id))
        .order("desc")
        .paginate({ ...ROWS, cursor });
      const rows = page.map(({ template, data, status, createdAt, readAt }) => ({
        ...{ organizationId, type: template, title: data["title"], status, createdAt, readAt },
      }));
      return { rows, cursor: isDone ? null : continueCursor };
    },
  },
  {
    name: "activity",
    isPerOrganization: true,
    read: async (ctx: QueryCtx, { user, organizationId, cursor }: Asked): Promise<Page> => {
      if (organizationId === null) return whole([]);
      const { page, isDone, continueCursor } = await ctx.db
        .query("auditLogs")
        .withIndex("by_actor", (q) =>
          q.eq("organizationId", organizationId).eq("actor.id", user._id),
        )
        .order("desc")
        .paginate({ ...ROWS, cursor });
      const rows = page.map(({ at, action, objectType, objectId, ip, userAgent, deviceId }) => ({
        ...{ organizationId, at, action, objectType, objectId, ip, userAgent, deviceId },
      }));
      return { rows, cursor: isDone ? null : continueCursor };
    },
  },
];

function whole(rows: object[]): Page {
  return { rows, cursor: null };
}

function profileIn(user: User): object {
  const { _id: id, name, email, pendingEmail, username, avatarAttachmentId } = user;
  const { locale = DEFAULT_LOCALE, timeZone = DEFAULT_TIME_ZONE, preferences } = user;
  const { createdAt, clerkUserId, isPlatformAdmin, secondFactors = [], passwordHash } = user;
  return {
    ...{ id, name, email, pendingEmail, username, avatarAttachmentId, locale, timeZone },
    ...{ preferences, createdAt, clerkUserId, isPlatformAdmin, secondFactors },
    hasPassword: passwordHash !== undefined,
  };
}

async function membershipsIn(ctx: QueryCtx, user: User): Promise<object[]> {
  const memberships = await activeMemberships(ctx, user._id, MOST_ROWS);
  return await Promise.all(
    memberships.map(async (membership) => {
      const { organizationId, role, createdAt: joinedAt } = membership;
      const { name } = await organizationOf(ctx, membership);
      return { organizationId, name, role, joinedAt };
    }),
  );
}

function sessionIn(session: Doc<"sessions">): object {
  const { _id: id, createdAt, expiresAt, method, lastUsedAt, deviceName, userAgent, ip } = session;
  return { id, createdAt, expiresAt, method, lastUsedAt, deviceName, userAgent, ip };
}

/** What they were is kept as a digest alone. */
async function knownDevicesIn(ctx: QueryCtx, user: User): Promise<object[]> {
  const devices = await ctx.db
    .query("knownDevices")
    .withIndex("by_user", (q) => q.eq("userId", user._id))
    .take(MOST_ROWS);
  return devices.map(({ fingerprint, lastSeenAt }) => ({ fingerprint, lastSeenAt }));
}

async function connectionsIn(ctx: QueryCtx, user: User): Promise<object[]> {
  const connections = await ctx.db
    .query("oauthConnections")
    .withIndex("by_user", (q) => q.eq("userId", user._id))
    .take(MOST_ROWS);
  return connections.map(({ provider, issuer, subject, email, scopes, status, connectedAt }) => ({
    ...{ provider, issuer, subject, email, scopes, status, connectedAt },
  }));
}

async function passkeysIn(ctx: QueryCtx, user: User): Promise<object[]> {
  return (await passkeysOf(ctx, user._id)).map(passkeyView);
}
