import * as z from "zod";
import { created, ok, readEndpoint, writeEndpoint } from "../../kit/endpoint";
import { mergedChanges } from "../../kit/mergePatch";
import { currencyCode } from "../../kit/money";
import { idFilter, severalOf } from "../../kit/several";
import { dueParameters, listObjects, listParametersOf, listRequest } from "../../ontology/list";
import {
  recurringInvoiceCreation,
  recurringInvoicePatch,
  recurringInvoiceUpdate,
} from "../../ontology/recurringInput";
import {
  changeRecurringInvoice,
  createRecurringInvoice,
  endRecurringInvoice,
  pauseRecurringInvoice,
  resumeRecurringInvoice,
} from "../../ontology/recurringRules";
import { documentType } from "../../ontology/salesInput";
import { recurringInvoiceRecord } from "../../ontology/salesRecords";
import { recurringInvoiceView } from "../../ontology/salesView";
import { partyFilters } from "./salesShapes";

const tag = "Recurring invoices";

export const list = readEndpoint(
  {
    method: "GET",
    path: "/recurring-invoices",
    tag,
    summary: "List or search recurring invoices",
    scope: "invoices:read",
    query: () =>
      z.strictObject({
        ...listParametersOf("recurring_invoice"),
        ...dueParameters(),
        ...partyFilters(),
        status: severalOf(z.enum(["active", "paused", "ended"])),
        type: severalOf(documentType()),
        projectId: idFilter(),
        currency: severalOf(currencyCode()),
      }),
    list: true,
    answers: { 200: () => z.array(recurringInvoiceRecord()) },
  },
  async (ctx, { query }) => {
    const request = listRequest("recurring_invoice", query);
    const { rows, meta } = await listObjects(ctx, ctx.tenant, "recurring_invoice", request);
    return ok(rows.map(recurringInvoiceView), { meta });
  },
);

export const create = writeEndpoint(
  {
    method: "POST",
    path: "/recurring-invoices",
    tag,
    summary: "Create a recurring invoice",
    description:
      "A template and a schedule. Each run makes one invoice, dated on its day in the organization's time zone; runs that fell into a downtime are made up for.",
    scope: "invoices:write",
    body: recurringInvoiceCreation,
    example: {
      title: "Hosting and maintenance",
      type: "b2b_single",
      schedule: { frequency: "monthly", dayOfMonth: "last", startDay: "2026-01-31" },
      delivery: "draft",
      lineItems: [
        {
          description: "Hosting and maintenance",
          quantity: 1,
          unit: "month",
          unitPriceInCents: 14_900,
          taxRatePercent: 19,
        },
      ],
      billTo: { name: "Nordlicht Energie GmbH", email: "rechnung@nordlicht.example" },
    },
    answers: { 201: recurringInvoiceRecord },
    errors: ["NOT_FOUND"],
  },
  async (ctx, { body }) => {
    const recurring = await createRecurringInvoice(ctx, body);
    return created(recurringInvoiceView(recurring), { version: recurring.version });
  },
);

export const get = readEndpoint(
  {
    method: "GET",
    path: "/recurring-invoices/:id",
    tag,
    summary: "Get a recurring invoice",
    scope: "invoices:read",
    subject: "recurring_invoice",
    answers: { 200: recurringInvoiceRecord },
  },
  async (_ctx, { subject }) => ok(recurringInvoiceView(subject), { version: subject.version }),
);

export const update = writeEndpoint(
  {
    method: "PATCH",
    path: "/recurring-invoices/:id",
    tag,
    summary: "Change a recurring invoice from its next run on",
    description:
      "Given fields change, those of `billTo` and `schedule` one by one, unless they name another party or a frequency; lines are replaced as a whole.",
    scope: "invoices:write",
    subject: "recurring_invoice",
    body: recurringInvoicePatch,
    example: { title: "Hosting, maintenance and backups", notes: "Backups are kept for 30 days." },
    answers: { 200: recurringInvoiceRecord },
    errors: ["INVALID_STATE"],
  },
  async (ctx, { subject, body }) => {
    const recurring = await changeRecurringInvoice(
      ctx,
      subject,
      mergedChanges(recurringInvoiceUpdate(), subject.customProperties, body),
    );
    return ok(recurringInvoiceView(recurring), { version: recurring.version });
  },
);

export const pause = writeEndpoint(
  {
    method: "POST",
    path: "/recurring-invoices/:id/pause",
    tag,
    summary: "Pause a recurring invoice",
    scope: "invoices:write",
    subject: "recurring_invoice",
    answers: { 200: recurringInvoiceRecord },
    errors: ["INVALID_STATE"],
  },
  async (ctx, { subject }) => {
    const recurring = await pauseRecurringInvoice(ctx, subject);
    return ok(recurringInvoiceView(recurring), { version: recurring.version });
  },
);

export const resume = writeEndpoint(
  {
    method: "POST",
    path: "/recurring-invoices/:id/resume",
    tag,
    summary: "Resume a paused recurring invoice",
    description: "It runs from today on; what fell into the pause is not made up for.",
    scope: "invoices:write",
    subject: "recurring_invoice",
    answers: { 200: recurringInvoiceRecord },
    errors: ["INVALID_STATE"],
  },
  async (ctx, { subject }) => {
    const recurring = await resumeRecurringInvoice(ctx, subject);
    return ok(recurringInvoiceView(recurring), { version: recurring.version });
  },
);

export const end = writeEndpoint(
  {
    method: "POST",
    path: "/recurring-invoices/:id/end",
    tag,
    summary: "End a recurring invoice",
    scope: "invoices:write",
    subject: "recurring_invoice",
    answers: { 200: recurringInvoiceRecord },
    errors: ["INVALID_STATE"],
  },
  async (ctx, { subject }) => {
    const recurring = await endRecurringInvoice(ctx, subject);
    return ok(recurringInvoiceView(recurring), { version: recurring.version });
  },
);
