import * as z from "zod";
import { once } from "./once";

/** When an organization reminds of invoices by itself. */
export const reminderLevel = once(() => z.union([z.literal(1), z.literal(2), z.literal(3)]));
export type ReminderLevel = z.output<ReturnType<typeof reminderLevel>>;

const businessHours = once(() =>
  z
    .strictObject({
      /** Full hours of the organization's time zone: from the first until before the last. */
      from: z.number().int().min(0).max(23),
      to: z.number().int().min(1).max(24),
      /** ISO 8601: 1 is Monday. */
      weekdays: z.array(z.number().int().min(1).max(7)).min(1).max(7),
    })
    .refine(({ from, to }) => from < to, { path: ["to"], message: "must be after from" }),
);
export type BusinessHours = z.output<ReturnType<typeof businessHours>>;

export const reminderSettings = once(() =>
  z.strictObject({
    enabled: z.boolean(),
    channels: z
      .array(z.enum(["email", "whatsapp"]))
      .min(1)
      .max(2),
    rules: z
      .array(
        z.strictObject({
          /** After the due date; below zero before it. */
          days: z.number().int().min(-60).max(365),
          level: reminderLevel(),
        }),
      )
      .max(10, "must have at most 10 entries")
      .refine((rules) => new Set(rules.map(({ days }) => days)).size === rules.length, {
        message: "must name each number of days once",
      }),
    businessHours: businessHours().optional(),
  }),
);
export type ReminderSettings = z.output<ReturnType<typeof reminderSettings>>;
