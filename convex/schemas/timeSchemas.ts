import { defineTable } from "convex/server";
import { v } from "convex/values";

export const timeTables = {
  /**
   * Time that somebody has worked on a task, and the timers that run. Written by time/entries.ts,
   * time/timers.ts and time/billing.ts, each entry with its audit entry; read by their list, by a
   * project's invoice and summary; deleted by who may change it, while no invoice bills it.
   */
  timeEntries: defineTable({
    organizationId: v.id("organizations"),
    projectId: v.id("objects"),
    taskId: v.id("objects"),
    userId: v.id("users"),
    /** As they were said, to the millisecond: no rounding ever touches them. */
    startedAt: v.optional(v.number()),
    endedAt: v.optional(v.number()),
    /** A day of the organization, `2026-11-30`: of the start, where there is one. */
    date: v.string(),
    /** 0 while a timer runs. */
    minutes: v.number(),
    note: v.optional(v.string()),
    billable: v.boolean(),
    /** Of an hour, as it was when the time was entered. */
    rateInCents: v.number(),
    currency: v.string(),
    isRunning: v.boolean(),
    /** The invoice that bills it. */
    invoiceId: v.optional(v.id("objects")),
    /** Whether the next invoice takes it: billable, ended, on no invoice. */
    isUnbilled: v.boolean(),
    createdAt: v.number(),
    updatedAt: v.number(),
  })
    .index("by_organization", ["organizationId", "date"])
    .index("by_project", ["organizationId", "projectId", "date"])
    .index("by_task", ["organizationId", "taskId", "date"])
    .index("by_user", ["organizationId", "userId", "date"])
    .index("by_person", ["userId"])
    .index("by_running", ["organizationId", "userId", "isRunning"])
    .index("by_unbilled", ["organizationId", "projectId", "isUnbilled", "date"])
    .index("by_invoice", ["organizationId", "invoiceId"]),

  /**
   * What the entries of a project add up to. Written with each of them by time/totals.ts; read by the
   * project's summary.
   */
  projectTimes: defineTable({
    organizationId: v.id("organizations"),
    projectId: v.id("objects"),
    minutes: v.number(),
    /** Per currency, in sixtieths of its smallest unit: minutes × the rate of an hour, exact. */
    unbilled: v.array(v.object({ currency: v.string(), sixtieths: v.int64() })),
  }).index("by_project", ["organizationId", "projectId"]),
};
