import { defineTable } from "convex/server";
import { v } from "convex/values";

export const taskTables = {
  /**
   * When who holds a task is reminded of it: one row of a task that has a time for that. Written by
   * tasks/reminders.ts, after each change of the task; told ones stay, so that none is told twice.
   */
  taskReminders: defineTable({
    organizationId: v.id("organizations"),
    taskId: v.id("objects"),
    at: v.number(),
    isTold: v.boolean(),
  })
    .index("by_task", ["taskId"])
    .index("by_time", ["isTold", "at"]),
};
