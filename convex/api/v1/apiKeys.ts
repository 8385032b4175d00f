import { requireRecentForKey } from "../../accounts/recent";
import * as z from "zod";
import type { Doc } from "../../_generated/dataModel";
import {
  type IssuedKey,
  issueKey,
  lastUsedAt,
  requireGrants,
  requireKey,
  revokeKey,
  rotateKey,
} from "../../kit/apiKeys";
import { created, noContent, ok, readEndpoint, writeEndpoint } from "../../kit/endpoint";
import { MODES } from "../../kit/mode";
import { pageThrough, pagingOf } from "../../kit/page";
import { pageParameters } from "../../kit/pageParameters";
import { type Grant, GRANTS } from "../../kit/scopes";
import { lineLabel } from "../../kit/text";
import { endDate } from "../../kit/time";
import { once } from "../../kit/once";

const tag = "API keys";
const grant = once(() => z.enum(GRANTS as readonly [Grant, ...Grant[]]));

const keyFields = once(() =>
  z.object({
    id: z.string(),
    name: z.string(),
    prefix: z.string(),
    scopes: z.array(z.string()),
    createdAt: z.number(),
    expiresAt: z.number().nullable(),
  }),
);
const listedKey = once(() =>
  keyFields().extend({ lastUsedAt: z.number().nullable() }).meta({ id: "ApiKey" }),
);
const issuedKey = once(() =>
  keyFields()
    .extend({
      key: z
        .string()
        .nullable()
        .meta({ description: "Shown this once: null in a replay and in a dry run." }),
    })
    .meta({ id: "IssuedApiKey" }),
);

export const list = readEndpoint(
  {
    method: "GET",
    path: "/api-keys",
    tag,
    summary: "List the organization's keys, newest first",
    scope: "admin:read",
    query: () => z.strictObject(pageParameters()),
    list: true,
    answers: { 200: () => z.array(listedKey()) },
  },
  async (ctx, { query }) => {
    const keys = ctx.db
      .query("apiKeys")
      .withIndex("by_organization", (q) =>
        q.eq("organizationId", ctx.caller.organizationId).eq("revokedAt", undefined),
      )
      .order("desc");
    const { rows, meta } = await pageThrough("api-keys", pagingOf(query), keys);
    const listed = rows.map(async (key) => ({
      ...keyView(key),
      lastUsedAt: await lastUsedAt(ctx, key),
    }));
    return ok(await Promise.all(listed), { meta });
  },
);

export const create = writeEndpoint(
  {
    method: "POST",
    path: "/api-keys",
    tag,
    summary: "Create a key",
    description:
      "`key` is shown this once. A key cannot have more scopes than its maker. Keys of a test organization begin with `fh_test_`, those of a live one with `fh_live_`: `mode` must be the organization's (else CONFLICT), and may be left out. An organization has at most 100 living keys.",
    scope: "admin:write",
    body: () =>
      z.strictObject({
        name: lineLabel(200),
        scopes: z.array(grant()).min(1).max(50),
        mode: z.enum(MODES).optional(),
        expiresAt: endDate().optional().meta({ description: "A time; of a day, its last moment." }),
      }),
    example: { name: "Forms of the website", scopes: ["crm:read", "crm:write"] },
    answers: { 201: issuedKey },
    errors: ["CONFLICT"],
    secrets: ["key"],
  },
  async ({ caller, scope, ...ctx }, { body }) => {
    requireGrants(caller, body.scopes);
    await requireRecentForKey(ctx, caller, body.scopes);
    return created(issuedView(await issueKey(ctx, scope, body)));
  },
);

export const revoke = writeEndpoint(
  {
    method: "DELETE",
    path: "/api-keys/:id",
    tag,
    summary: "Revoke a key, at once",
    scope: "admin:write",
    params: () => z.object({ id: z.string() }),
    answers: { 204: null },
    errors: ["NOT_FOUND"],
  },
  async ({ scope, ...ctx }, { params }) => {
    await revokeKey(ctx, scope, await requireKey(ctx, scope.organizationId, params.id));
    return noContent;
  },
);

export const rotate = writeEndpoint(
  {
    method: "POST",
    path: "/api-keys/:id/rotate",
    tag,
    summary: "Replace a key by a new one",
    description: "The old key stays good for `overlapSeconds` (none by default, a week at most).",
    scope: "admin:write",
    params: () => z.object({ id: z.string() }),
    body: () =>
      z
        .strictObject({ overlapSeconds: z.number().int().min(0).max(604_800).optional() })
        .optional(),
    example: { overlapSeconds: 3_600 },
    answers: { 201: issuedKey },
    errors: ["NOT_FOUND", "INVALID_STATE", "CONFLICT"],
    secrets: ["key"],
  },
  async ({ caller, scope, ...ctx }, { params, body }) => {
    const key = await requireKey(ctx, scope.organizationId, params.id);
    requireGrants(caller, key.scopes as Grant[]);
    await requireRecentForKey(ctx, caller, key.scopes);
    return created(issuedView(await rotateKey(ctx, scope, key, body?.overlapSeconds ?? 0)));
  },
);

function keyView(key: Doc<"apiKeys">): z.input<ReturnType<typeof keyFields>> {
  const { _id: id, name, prefix, scopes, createdAt, expiresAt = null } = key;
  return { id, name, prefix, scopes, createdAt, expiresAt };
}

function issuedView({ key, token }: IssuedKey): z.input<ReturnType<typeof issuedKey>> {
  return { ...keyView(key), key: token };
}
