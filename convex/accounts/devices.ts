import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { sha256Hex } from "../kit/tokens";

/**
 * What a person has signed in from before. Of a program that says what it is, its version does not
 * count: it would be new with every update.
 */
const MAX_KNOWN = 50;

/** Notes a sign-in's device. Answers whether it is one that is not known, as every first one is. */
export async function noteDevice(
  ctx: MutationCtx,
  userId: Id<"users">,
  { userAgent, deviceName }: { userAgent: string | null; deviceName?: string | undefined },
): Promise<boolean> {
  const fingerprint = sha256Hex(
    `${(userAgent ?? "").replace(/\d[\d._]*/g, "")}|${deviceName ?? ""}`,
  );
  const now = Date.now();
  const known = await ctx.db
    .query("knownDevices")
    .withIndex("by_user", (q) => q.eq("userId", userId).eq("fingerprint", fingerprint))
    .unique();
  if (known) {
    await ctx.db.patch("knownDevices", known._id, { lastSeenAt: now });
    return false;
  }
  const others = await devicesOf(ctx, userId);
  for (const { _id } of oldestBeyond(others, MAX_KNOWN - 1))
    await ctx.db.delete("knownDevices", _id);
  await ctx.db.insert("knownDevices", { userId, fingerprint, lastSeenAt: now });
  return true;
}

export async function forgetDevices(ctx: MutationCtx, userId: Id<"users">): Promise<void> {
  for (const { _id } of await devicesOf(ctx, userId)) await ctx.db.delete("knownDevices", _id);
}

async function devicesOf(ctx: MutationCtx, userId: Id<"users">): Promise<Doc<"knownDevices">[]> {
  return await ctx.db
    .query("knownDevices")
    .withIndex("by_user", (q) => q.eq("userId", userId))
    .collect();
}

function oldestBeyond(devices: Doc<"knownDevices">[], most: number): Doc<"knownDevices">[] {
  return devices.sort((a, b) => b.lastSeenAt - a.lastSeenAt).slice(most);
}
