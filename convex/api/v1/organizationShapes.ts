import * as z from "zod";
import type { Doc } from "../../_generated/dataModel";
import { mergedChanges, patchOf } from "../../kit/mergePatch";
import { modeOf, MODES } from "../../kit/mode";
import { organizationSettings } from "../../kit/organizationSettings";
import { once } from "../../kit/once";

/** An organization as `/organization` and `/tenants/:id` show and take it. */
export const tenantSettings = once(() =>
  organizationSettings()
    .extend({
      id: z.string(),
      tier: z.enum(["free", "pro", "premium"]),
      mode: z.enum(MODES).meta({ description: "As it was founded; it never changes." }),
      version: z.number().int(),
      createdAt: z.number(),
      updatedAt: z.number(),
    })
    .meta({ id: "OrganizationSettings" }),
);

const settingsChanges = once(() =>
  organizationSettings().partial().extend({
    sender: organizationSettings().shape.sender.nullable(),
    address: organizationSettings().shape.address.nullable(),
    bankDetails: organizationSettings().shape.bankDetails.nullable(),
    taxIds: organizationSettings().shape.taxIds.nullable(),
    reminders: organizationSettings().shape.reminders.nullable(),
    legalName: organizationSettings().shape.legalName.nullable(),
    invoiceFooter: organizationSettings().shape.invoiceFooter.nullable(),
    senderConnectionId: organizationSettings().shape.senderConnectionId.nullable(),
    hourlyRateInCents: organizationSettings().shape.hourlyRateInCents.nullable(),
    portalFields: organizationSettings().shape.portalFields.nullable(),
  }),
);

export const settingsUpdate = once(() =>
  patchOf(settingsChanges()).meta({ id: "OrganizationSettingsUpdate" }),
);

/** What a change makes of the settings that it names. @throws VALIDATION_ERROR */
export function changedSettings(
  organization: Doc<"organizations">,
  update: z.output<ReturnType<typeof settingsUpdate>>,
): z.output<ReturnType<typeof settingsChanges>> {
  return mergedChanges(settingsChanges(), organization, update);
}

/** Of `PATCH`, for both routes. */
export const settingsExample: z.input<ReturnType<typeof settingsUpdate>> = {
  legalName: "Studio Morgenrot GmbH",
  timeZone: "Europe/Berlin",
  locale: "de-DE",
  address: { street: "Spinnereistraße 7", postalCode: "04179", city: "Leipzig", country: "DE" },
  bankDetails: { accountHolder: "Studio Morgenrot GmbH", iban: "DE89 3704 0044 0532 0130 00" },
  taxIds: { vatId: "DE136695976" },
  sender: { name: "Studio Morgenrot", email: "rechnung@studio-morgenrot.example" },
};

/** What the schema names of the row; what else stands in it concerns nobody but us. */
export function settingsView(
  organization: Doc<"organizations">,
): z.input<ReturnType<typeof tenantSettings>> {
  const row = { ...organization, id: organization._id, mode: modeOf(organization) };
  const shown = tenantSettings()
    .keyof()
    .options.map((field) => [field, row[field]]);
  return Object.fromEntries(shown) as typeof row;
}
