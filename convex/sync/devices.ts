import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import type { HandedOn } from "../kit/handedOn";
import type { Caller } from "../kit/caller";
import { ApiError, notFound } from "../kit/errors";
import { findOwn, own } from "../kit/own";
import { covers } from "../kit/scopes";
import { record, type WriteScope } from "../ontology/effects";

/** A device belongs to one member of staff in one organization. */
export type Device = Doc<"devices">;
export type DeviceFields = Pick<Device, "deviceId" | "name" | "platform" | "appVersion">;
type Staff = Extract<Caller, { kind: "user" }>;

/** How exactly it is known when a device was seen: each pull would write its row otherwise. */
const SEEN_EVERY = 60_000;
/** More devices than a person has; each sign-in on a new installation makes one. */
const MAX_DEVICES = 100;

/**
 * Activates the caller's device, again if need be, and ties the session that asks to it.
 * @throws FORBIDDEN for a device that was revoked; CONFLICT beyond a hundred devices
 */
export async function activateDevice(
  ctx: MutationCtx,
  scope: WriteScope,
  caller: Staff,
  fields: DeviceFields,
): Promise<{ device: Device; isNew: boolean }> {
  const now = Date.now();
  const known = await findDevice(ctx, caller, fields.deviceId);
  if (known) {
    requireActive(known);
    await ctx.db.patch("devices", known._id, { ...fields, lastSeenAt: now });
  } else {
    await requireRoom(ctx, caller);
  }
  const { organizationId, id: userId } = caller;
  const _id =
    known?._id ??
    (await ctx.db.insert("devices", {
      ...{ organizationId, userId, ...fields },
      ...{ activatedAt: now, lastSeenAt: now },
    }));
  if (caller.sessionId) await ctx.db.patch("sessions", caller.sessionId, { deviceId: _id });
  await recordDevice(ctx, scope, _id, "device.activated", [
    { field: "deviceId", after: fields.deviceId },
    { field: "name", ...(known ? { before: known.name } : {}), after: fields.name },
  ]);
  return { device: await deviceAt(ctx, _id), isNew: !known };
}

/** The device that a push names. @throws DEVICE_NOT_FOUND; FORBIDDEN when it was revoked */
export async function requireOwnDevice(
  ctx: QueryCtx,
  caller: Staff,
  deviceId: string,
): Promise<Device> {
  const device = await findDevice(ctx, caller, deviceId);
  if (!device) throw notFound("device");
  requireActive(device);
  return device;
}

/**
 * A device by its id: one of the caller's own, or any of the organization's to those who administer it.
 * @throws DEVICE_NOT_FOUND
 */
export async function requireDevice(ctx: QueryCtx, caller: Caller, id: string): Promise<Device> {
  const isAdmin = covers(caller.grants, "admin:write");
  return await own(ctx, caller, "devices", id, ({ userId }) => isAdmin || userId === caller.id);
}

export async function renameDevice(
  ctx: MutationCtx,
  scope: WriteScope,
  device: Device,
  name: string,
): Promise<Device> {
  if (device.name === name) return device;
  await ctx.db.patch("devices", device._id, { name });
  await recordDevice(ctx, scope, device._id, "device.renamed", [
    { field: "name", before: device.name, after: name },
  ]);
  return await deviceAt(ctx, device._id);
}

/** Ends the device for good: its sessions with it, and what it pushes from now on is refused. */
export async function revokeDevice(
  ctx: MutationCtx,
  scope: WriteScope,
  device: Device,
): Promise<void> {
  if (device.revokedAt !== undefined) return;
  const revokedAt = Date.now();
  await ctx.db.patch("devices", device._id, { revokedAt });
  const sessions = ctx.db
    .query("sessions")
    .withIndex("by_device", (q) => q.eq("deviceId", device._id));
  for (const { _id, revokedAt: before } of await sessions.collect()) {
    if (before === undefined) await ctx.db.patch("sessions", _id, { revokedAt });
  }
  await recordDevice(ctx, scope, device._id, "device.revoked", [
    { field: "revokedAt", after: revokedAt },
  ]);
}

/** Notes that the device that the caller's session is tied to has pulled. */
export async function notePull(ctx: MutationCtx, caller: Caller): Promise<void> {
  if (caller.kind !== "user" || caller.deviceId === null) return;
  const device = await findOwn(ctx, caller, "devices", caller.deviceId);
  const now = Date.now();
  if (!device) return;
  if ((device.lastPullAt ?? 0) > now - SEEN_EVERY) return;
  await ctx.db.patch("devices", device._id, { lastPullAt: now, lastSeenAt: now });
}

async function findDevice(
  ctx: QueryCtx,
  { organizationId, id }: Pick<Staff, "organizationId" | "id">,
  deviceId: string,
): Promise<Device | null> {
  return await ctx.db
    .query("devices")
    .withIndex("by_deviceId", (q) =>
      q.eq("organizationId", organizationId).eq("userId", id).eq("deviceId", deviceId),
    )
    .unique();
}

/** The caller's own, the one seen last first. */
export async function devicesOf(
  ctx: QueryCtx,
  { organizationId, id }: Pick<Staff, "organizationId" | "id">,
): Promise<Device[]> {
  return await ctx.db
    .query("devices")
    .withIndex("by_user", (q) => q.eq("organizationId", organizationId).eq("userId", id))
    .order("desc")
    .take(MAX_DEVICES);
}

async function requireRoom(ctx: QueryCtx, caller: Staff): Promise<void> {
  const devices = await devicesOf(ctx, caller);
  if (devices.length < MAX_DEVICES) return;
  throw new ApiError("CONFLICT", `A user has at most ${MAX_DEVICES} devices.`, {
    details: { limit: MAX_DEVICES },
  });
}

function requireActive({ revokedAt }: Device): void {
  if (revokedAt === undefined) return;
  throw new ApiError("FORBIDDEN", "This device has been revoked; a new installation can sign in.", {
    details: { revokedAt },
  });
}

async function deviceAt(ctx: QueryCtx, id: Id<"devices">): Promise<Device> {
  const device = await ctx.db.get("devices", id);
  if (!device) throw new Error(`Device ${id} vanished within its own transaction.`);
  return device;
}

async function recordDevice(
  ctx: MutationCtx,
  scope: WriteScope,
  objectId: Id<"devices">,
  action: string,
  changes: Parameters<typeof record>[2]["changes"],
): Promise<void> {
  await record(ctx, scope, { action, objectType: "device", objectId, changes });
}

/** They go to the other person, but for what that one has under the same name; or are deleted. */
export async function handDevicesOn(
  ctx: MutationCtx,
  { organizationId, from, to }: HandedOn,
): Promise<void> {
  const devices = await devicesOf(ctx, { organizationId, id: from });
  for (const { _id, deviceId } of devices) {
    const isKept =
      to !== null && (await findDevice(ctx, { organizationId, id: to }, deviceId)) === null;
    if (isKept) await ctx.db.patch("devices", _id, { userId: to });
    else await ctx.db.delete("devices", _id);
  }
}
