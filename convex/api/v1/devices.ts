import * as z from "zod";
import type { Caller } from "../../kit/caller";
import {
  created,
  noContent,
  ok,
  readEndpoint,
  writeEndpoint,
  type Answer,
} from "../../kit/endpoint";
import { ApiError } from "../../kit/errors";
import { requireScope } from "../../kit/caller";
import { pageThrough, pagingOf } from "../../kit/page";
import { pageParameters } from "../../kit/pageParameters";
import { lineLabel, text } from "../../kit/text";
import {
  activateDevice,
  type Device,
  renameDevice,
  requireDevice,
  revokeDevice,
} from "../../sync/devices";
import { once } from "../../kit/once";

const tag = "Devices";

const deviceRecord = once(() =>
  z
    .object({
      id: z.string(),
      deviceId: z.string().meta({ description: "The device's own name for itself." }),
      tenantId: z.string(),
      userId: z.string(),
      name: z.string(),
      platform: z.string(),
      appVersion: z.string(),
      activatedAt: z.number(),
      lastSeenAt: z.number(),
      lastPushAt: z.number().nullable(),
      lastPullAt: z.number().nullable(),
      revokedAt: z.number().nullable(),
    })
    .meta({ id: "Device" }),
);

/** A device belongs to a person, so an API key has none. */
const staffOnly = ["user"] as const;
const params = once(() => z.object({ id: z.string() }));

export const activate = writeEndpoint(
  {
    method: "POST",
    path: "/tenants/:id/activate",
    tag,
    summary: "Activate the caller's device in an organization",
    description:
      "Again and again, as the app starts: it updates what the device says of itself and `lastSeenAt`. The session that asks is tied to the device. A revoked device stays revoked.",
    scope: "devices:write",
    callers: staffOnly,
    tenantInPath: true,
    params,
    body: () =>
      z.strictObject({
        deviceId: text(100),
        name: lineLabel(200),
        platform: text(50),
        appVersion: text(50),
      }),
    example: {
      deviceId: "pixel-9-jonas",
      name: "Jonas's phone",
      platform: "android",
      appVersion: "2.4.0",
    },
    answers: { 200: deviceRecord, 201: deviceRecord },
    errors: ["FORBIDDEN", "NOT_FOUND", "CONFLICT"],
  },
  async (ctx, { body }): Promise<Answer<z.input<ReturnType<typeof deviceRecord>>>> => {
    const result = await activateDevice(ctx, ctx.scope, staff(ctx.caller), body);
    const view = deviceView(result.device);
    return result.isNew ? created(view) : ok(view);
  },
);

export const list = readEndpoint(
  {
    method: "GET",
    path: "/devices",
    tag,
    summary: "List devices, the one seen last first",
    description: "The caller's own; with `all=true`, which takes a manager, the organization's.",
    scope: "devices:read",
    callers: staffOnly,
    query: () => z.strictObject({ ...pageParameters(), all: z.enum(["true", "false"]).optional() }),
    list: true,
    answers: { 200: () => z.array(deviceRecord()) },
    errors: ["INSUFFICIENT_SCOPE"],
  },
  async (ctx, { query }) => {
    const { caller } = ctx;
    const { organizationId, id: userId } = staff(caller);
    const isAll = query.all === "true";
    if (isAll) requireScope(caller, "admin:read");
    const devices = isAll
      ? ctx.db
          .query("devices")
          .withIndex("by_organization", (q) => q.eq("organizationId", organizationId))
      : ctx.db
          .query("devices")
          .withIndex("by_user", (q) => q.eq("organizationId", organizationId).eq("userId", userId));
    const name = isAll ? "devices:all" : "devices";
    const { rows, meta } = await pageThrough(name, pagingOf(query), devices.order("desc"));
    return ok(rows.map(deviceView), { meta });
  },
);

export const rename = writeEndpoint(
  {
    method: "PATCH",
    path: "/devices/:id",
    tag,
    summary: "Rename a device",
    scope: "devices:write",
    callers: staffOnly,
    params,
    body: () => z.strictObject({ name: lineLabel(200) }),
    example: { name: "The studio's tablet" },
    answers: { 200: deviceRecord },
    errors: ["NOT_FOUND"],
  },
  async (ctx, { params, body }) => {
    const known = await requireDevice(ctx, ctx.caller, params.id);
    return ok(deviceView(await renameDevice(ctx, ctx.scope, known, body.name)));
  },
);

export const revoke = writeEndpoint(
  {
    method: "DELETE",
    path: "/devices/:id",
    tag,
    summary: "Revoke a device",
    description:
      "Its sessions end and its pushes are refused, for good. A manager can revoke anybody's.",
    scope: "devices:write",
    callers: staffOnly,
    params,
    answers: { 204: null },
    errors: ["NOT_FOUND"],
  },
  async (ctx, { params }) => {
    const known = await requireDevice(ctx, ctx.caller, params.id);
    await revokeDevice(ctx, ctx.scope, known);
    return noContent;
  },
);

function staff(caller: Caller): Extract<Caller, { kind: "user" }> {
  if (caller.kind === "user") return caller;
  throw new ApiError("FORBIDDEN", "A device belongs to a member of staff.");
}

function deviceView(device: Device): z.input<ReturnType<typeof deviceRecord>> {
  const { _id, organizationId, userId, deviceId, name, platform, appVersion } = device;
  const { activatedAt, lastSeenAt, lastPushAt, lastPullAt, revokedAt } = device;
  return {
    id: _id,
    deviceId,
    tenantId: organizationId,
    userId,
    name,
    platform,
    appVersion,
    activatedAt,
    lastSeenAt,
    lastPushAt: lastPushAt ?? null,
    lastPullAt: lastPullAt ?? null,
    revokedAt: revokedAt ?? null,
  };
}
