import { v } from "convex/values";
import { oneOf } from "../kit/oneOf";
import { storedCustomFields } from "../kit/customFields";
import { WRITTEN, defineObjectType } from "./definition";
import { FREQUENCIES, WEEKDAYS } from "./scheduleTerms";
import { searchedTexts } from "./searchedTexts";
import {
  INVOICE_TYPES,
  PAYMENT_TERMS,
  salesColumns,
  salesContent,
  salesFilters,
  salesOwners,
  searchedParty,
  withoutAddressee,
} from "./salesDocument";

export const storedSchedule = v.object({
  frequency: oneOf(FREQUENCIES),
  interval: v.number(),
  weekday: v.optional(oneOf(WEEKDAYS)),
  dayOfMonth: v.optional(v.union(v.number(), v.literal("last"))),
  month: v.optional(v.number()),
  /** Days of the organization's time zone. */
  startDay: v.string(),
  endDay: v.optional(v.string()),
  count: v.optional(v.number()),
});

/** A template of invoices, and when the next of them is made. */
export const recurringInvoiceType = defineObjectType({
  type: "recurring_invoice",
  resource: "recurring invoice",
  area: "invoices",
  subtypes: INVOICE_TYPES,
  statuses: ["active", "paused", "ended"],
  transitions: { active: ["paused", "ended"], paused: ["active", "ended"], ended: [] },
  verbs: [...WRITTEN, "paused", "resumed", "ended", "ran", "failed"],
  properties: v.object({
    ...salesContent.fields,
    title: v.string(),
    type: oneOf(INVOICE_TYPES),
    paymentTerms: oneOf(PAYMENT_TERMS),
    notes: v.optional(v.string()),
    schedule: storedSchedule,
    /** What becomes of each invoice: it waits as a draft, or is sent. */
    delivery: oneOf(["draft", "send"]),
    /** The day of the next run; absent when there is none. */
    nextDay: v.optional(v.string()),
    nextRunAt: v.optional(v.number()),
    lastDay: v.optional(v.string()),
    /** Runs so far, and of the schedule's `count`: those that a pause passed over too. */
    runs: v.number(),
    /** Why the last run failed; it is paused then. */
    problem: v.optional(v.string()),
    customFields: storedCustomFields,
  }),
  columns({ customProperties: recurring }) {
    const { title, billTo, nextRunAt } = recurring;
    return {
      name: title,
      searched: searchedTexts({ title, ...searchedParty(billTo) }),
      ...salesColumns(recurring),
      ...(nextRunAt === undefined ? {} : { dueAt: nextRunAt }),
    };
  },
  withoutPerson: ({ customProperties }, personId) => withoutAddressee(customProperties, personId),
  owners: salesOwners,
  filters: salesFilters,
  sorts: { nextRunAt: "dueAt" },
});
