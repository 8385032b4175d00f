import * as z from "zod";
import { storedCustomFields } from "../kit/customFields";
import { defineObjectType } from "./definition";
import { FREQUENCIES, WEEKDAYS } from "./scheduleTerms";
import {
  INVOICE_TYPES,
  PAYMENT_TERMS,
  salesColumns,
  salesContent,
  salesFilters,
  withoutAddressee,
} from "./salesDocument";

export const storedSchedule = z.object({
  frequency: z.enum(FREQUENCIES),
  interval: z.number(),
  weekday: z.enum(WEEKDAYS).optional(),
  dayOfMonth: z.union([z.number(), z.literal("last")]).optional(),
  month: z.number().optional(),
  /** Days of the organization's time zone. */
  startDay: z.string(),
  endDay: z.string().optional(),
  count: z.number().optional(),
});

/** A template of invoices, and when the next of them is made. */
export const recurringInvoiceType = defineObjectType({
  type: "recurring_invoice",
  resource: "recurring invoice",
  subtypes: INVOICE_TYPES,
  statuses: ["active", "paused", "ended"],
  transitions: { active: ["paused", "ended"], paused: ["active", "ended"], ended: [] },
  properties: salesContent.extend({
    title: z.string(),
    type: z.enum(INVOICE_TYPES),
    paymentTerms: z.enum(PAYMENT_TERMS),
    notes: z.string().optional(),
    schedule: storedSchedule,
    /** What becomes of each invoice: it waits as a draft, or is sent. */
    delivery: z.enum(["draft", "send"]),
    /** The day of the next run; absent when there is none. */
    nextDay: z.string().optional(),
    nextRunAt: z.number().optional(),
    lastDay: z.string().optional(),
    /** Runs so far, and of the schedule's `count`: those that a pause passed over too. */
    runs: z.number(),
    /** Why the last run failed; it is paused then. */
    problem: z.string().optional(),
    customFields: storedCustomFields,
  }),
  columns({ customProperties: recurring }) {
    const { title, billTo, nextRunAt } = recurring;
    return {
      name: title,
      searchText: [title, billTo.name, billTo.email].filter(Boolean).join(" "),
      ...salesColumns(recurring),
      ...(nextRunAt === undefined ? {} : { dueAt: nextRunAt }),
    };
  },
  withoutPerson: ({ customProperties }, personId) => withoutAddressee(customProperties, personId),
  filters: salesFilters,
  sorts: { nextRunAt: "dueAt" },
});
