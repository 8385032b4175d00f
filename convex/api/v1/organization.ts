import { z } from "zod";
import type { Doc } from "../../_generated/dataModel";
import { ok, readEndpoint, writeEndpoint } from "../../kit/endpoint";
import { organizationSettings } from "../../kit/organizationSettings";
import { requireVersion } from "../../kit/version";
import { changeSettings } from "../../tenancy";

const tag = "Organization";

const settings = organizationSettings
  .extend({
    id: z.string(),
    tier: z.enum(["free", "pro", "premium"]),
    version: z.number().int(),
    createdAt: z.number(),
    updatedAt: z.number(),
  })
  .meta({ id: "OrganizationSettings" });

export const get = readEndpoint(
  {
    method: "GET",
    path: "/organization",
    tag,
    summary: "Get the organization and its settings",
    scope: "organization:read",
    answers: { 200: settings },
  },
  async (ctx) => {
    const organization = await ctx.db.get("organizations", ctx.caller.organizationId);
    if (!organization) throw new Error(`Organization ${ctx.caller.organizationId} is missing.`);
    return ok(settingsView(organization), { version: organization.version });
  },
);

export const update = writeEndpoint(
  {
    method: "PATCH",
    path: "/organization",
    tag,
    summary: "Change the organization's settings",
    description: "Given settings change, each as a whole; `null` clears those that may be absent.",
    scope: "organization:write",
    body: organizationSettings
      .partial()
      .extend({
        sender: organizationSettings.shape.sender.nullable(),
        address: organizationSettings.shape.address.nullable(),
        bankDetails: organizationSettings.shape.bankDetails.nullable(),
        taxIds: organizationSettings.shape.taxIds.nullable(),
        reminders: organizationSettings.shape.reminders.nullable(),
        legalName: organizationSettings.shape.legalName.nullable(),
        invoiceFooter: organizationSettings.shape.invoiceFooter.nullable(),
      })
      .meta({ id: "OrganizationSettingsUpdate" }),
    answers: { 200: settings },
    errors: ["VERSION_MISMATCH"],
  },
  async ({ organization, scope, ifMatch, ...ctx }, { body }) => {
    requireVersion(ifMatch, organization.version);
    const changed = await changeSettings(ctx, scope, organization, body);
    return ok(settingsView(changed), { version: changed.version });
  },
);

function settingsView(organization: Doc<"organizations">): z.input<typeof settings> {
  const { _id: id, _creationTime, ...rest } = organization;
  return { id, ...rest };
}
