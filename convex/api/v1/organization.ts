import { ok, readEndpoint, writeEndpoint } from "../../kit/endpoint";
import { organizationOf } from "../../kit/own";
import { requireVersion } from "../../kit/version";
import { changeSettings } from "../../tenancy";
import {
  changedSettings,
  settingsExample,
  settingsUpdate,
  settingsView,
  tenantSettings,
} from "./organizationShapes";

const tag = "Organization";

export const get = readEndpoint(
  {
    method: "GET",
    path: "/organization",
    tag,
    summary: "Get the organization and its settings",
    scope: "organization:read",
    answers: { 200: tenantSettings },
  },
  async (ctx) => {
    const organization = await organizationOf(ctx, ctx.caller);
    return ok(settingsView(organization), { version: organization.version });
  },
);

export const update = writeEndpoint(
  {
    method: "PATCH",
    path: "/organization",
    tag,
    summary: "Change the organization's settings",
    description:
      "A merge patch (RFC 7396): given settings change, the objects among them field by field; `null` removes what may be absent, lists are replaced.",
    scope: "organization:write",
    body: settingsUpdate,
    example: settingsExample,
    answers: { 200: tenantSettings },
    errors: ["VERSION_MISMATCH", "INVALID_STATE"],
  },
  async ({ organization, scope, ifMatch, ...ctx }, { body }) => {
    requireVersion(ifMatch, organization.version);
    const changed = await changeSettings(
      ctx,
      scope,
      organization,
      changedSettings(organization, body),
    );
    return ok(settingsView(changed), { version: changed.version });
  },
);
