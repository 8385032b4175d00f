import * as z from "zod";
import { customFields } from "../kit/customFieldsInput";
import { beginsAnew, patchOf } from "../kit/mergePatch";
import { amountFromZero, percent } from "../kit/money";
import { longText, label } from "../kit/text";
import { contentFields, documentType, paymentTerms } from "./salesInput";
import { FREQUENCIES, WEEKDAYS } from "./scheduleTerms";
import { once } from "../kit/once";

/** What callers send of recurring invoices. */

/** A calendar day of the organization's time zone. */
export const day = once(() =>
  z.iso
    .date({
      error: ({ input }) => (input === undefined ? undefined : "must be a day such as 2026-11-30"),
    })
    .refine(
      (given) => given >= "1990-01-01" && given <= "2300-01-01",
      "must lie between 1990-01-01 and 2300-01-01",
    )
    .meta({ example: "2026-11-30" }),
);

export const schedule = once(() =>
  z
    .strictObject({
      frequency: z.enum(FREQUENCIES),
      interval: z.number().int().min(1).max(100).optional().meta({ description: "1 by default." }),
      weekday: z
        .enum(WEEKDAYS)
        .optional()
        .meta({ description: "Weekly; else that of `startDay`." }),
      dayOfMonth: z
        .union([z.number().int().min(1).max(31), z.literal("last")])
        .optional()
        .meta({
          description:
            "Monthly and yearly; else that of `startDay`. Where the month is shorter, its last day.",
        }),
      month: z.number().int().min(1).max(12).optional().meta({ description: "Yearly." }),
      startDay: day(),
      endDay: day().optional().meta({ description: "The last day on which it may run." }),
      count: z.number().int().min(1).max(1000).optional(),
    })
    .superRefine((given, context) => {
      const misplaced = [
        given.weekday !== undefined && given.frequency !== "weekly" ? "weekday" : null,
        given.dayOfMonth !== undefined && given.frequency === "weekly" ? "dayOfMonth" : null,
        given.month !== undefined && given.frequency !== "yearly" ? "month" : null,
      ].filter((field) => field !== null);
      for (const field of misplaced) {
        const message = `does not go with ${given.frequency}`;
        context.addIssue({ code: "custom", path: [field], message });
      }
      if (given.endDay !== undefined && given.count !== undefined) {
        context.addIssue({ code: "custom", path: ["count"], message: "cannot be with endDay" });
      }
      if (given.endDay !== undefined && given.endDay < given.startDay) {
        const message = "must not be before startDay";
        context.addIssue({ code: "custom", path: ["endDay"], message });
      }
    })
    .meta({ id: "RecurringSchedule" })
    .register(beginsAnew, { with: ["frequency"] }),
);
export const recurringInvoiceCreation = once(() =>
  z
    .strictObject({
      title: label(200),
      type: documentType(),
      schedule: schedule(),
      backfill: z.boolean().optional().meta({
        description:
          "Whether the days before today are made up for, 12 at most, each dated on its day; else it begins today.",
      }),
      delivery: z.enum(["draft", "send"]).optional().meta({ description: "`draft` by default." }),
      paymentTerms: paymentTerms().optional().meta({ description: "`net30` by default." }),
      ...contentFields(),
      notes: longText(20_000).optional(),
      customFields: customFields().optional(),
    })
    .meta({ id: "RecurringInvoiceCreation" }),
);
export type RecurringInvoiceCreation = z.output<ReturnType<typeof recurringInvoiceCreation>>;

export const recurringInvoiceUpdate = once(() =>
  z.strictObject({
    ...z.strictObject(contentFields()).partial().shape,
    title: label(200).optional(),
    type: documentType().optional(),
    schedule: schedule().optional(),
    delivery: z.enum(["draft", "send"]).optional(),
    paymentTerms: paymentTerms().optional(),
    projectId: z.string().max(64).nullable().optional(),
    discountPercent: percent().nullable().optional(),
    discountInCents: amountFromZero().nullable().optional(),
    notes: longText(20_000).nullable().optional(),
    customFields: customFields().optional(),
  }),
);

/** `recurringInvoiceUpdate` whose party and schedule may be sent in part. */
export const recurringInvoicePatch = once(() =>
  patchOf(recurringInvoiceUpdate()).meta({
    id: "RecurringInvoiceUpdate",
  }),
);
export type RecurringInvoiceUpdate = z.output<ReturnType<typeof recurringInvoiceUpdate>>;
