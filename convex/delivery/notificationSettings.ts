import type * as z from "zod";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import type { HandedOn } from "../kit/handedOn";
import type { notificationSettings, notificationSettingsUpdate } from "./notificationSettingsInput";
import { isStaffEvent, STAFF_EVENT_TYPES, type StaffEvent } from "./staffEvents";

/** Per member of staff, event and channel: who is told of what, and how. */
export type Choice = { in_app: boolean; email: boolean };

const DEFAULT_CHOICE: Choice = { in_app: true, email: false };

type Settings = Doc<"notificationSettings"> | null;

export async function settingsOf(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  userId: Id<"users">,
): Promise<Settings> {
  return await ctx.db
    .query("notificationSettings")
    .withIndex("by_user", (q) => q.eq("organizationId", organizationId).eq("userId", userId))
    .unique();
}

export function choiceOf(settings: Settings, event: StaffEvent): Choice {
  const { in_app, email } =
    settings?.choices.find((each) => each.event === event) ?? DEFAULT_CHOICE;
  return { in_app, email };
}

export function settingsView(settings: Settings): z.input<ReturnType<typeof notificationSettings>> {
  const events = STAFF_EVENT_TYPES.map((event) => [event, choiceOf(settings, event)] as const);
  return { events: Object.fromEntries(events) as Record<StaffEvent, Choice> };
}

/** Given choices change. */
export async function changeNotificationSettings(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  userId: Id<"users">,
  { events }: z.output<ReturnType<typeof notificationSettingsUpdate>>,
): Promise<z.input<ReturnType<typeof notificationSettings>>> {
  const known = await settingsOf(ctx, organizationId, userId);
  const before = known?.choices.filter(({ event }) => isStaffEvent(event)) ?? [];
  const choices = new Map(before.map((each) => [each.event, each]));
  for (const event of STAFF_EVENT_TYPES) {
    const given = events[event];
    if (!given) continue;
    const { in_app, email } = choiceOf(known, event);
    choices.set(event, { event, in_app: given.in_app ?? in_app, email: given.email ?? email });
  }
  const fields = { choices: [...choices.values()], updatedAt: Date.now() };
  if (known) await ctx.db.patch("notificationSettings", known._id, fields);
  else await ctx.db.insert("notificationSettings", { organizationId, userId, ...fields });
  return settingsView(await settingsOf(ctx, organizationId, userId));
}

/** They go to the other person, who keeps their own where they have made any; or are deleted. */
export async function handSettingsOn(
  ctx: MutationCtx,
  { organizationId, from, to }: HandedOn,
): Promise<void> {
  const settings = await settingsOf(ctx, organizationId, from);
  if (!settings) return;
  const isKept = to !== null && (await settingsOf(ctx, organizationId, to)) === null;
  if (isKept) await ctx.db.patch("notificationSettings", settings._id, { userId: to });
  else await ctx.db.delete("notificationSettings", settings._id);
}
