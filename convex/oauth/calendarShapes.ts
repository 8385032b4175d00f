import * as z from "zod";
import { once } from "../kit/once";

/** An appointment of a calendar, whoever keeps it. */
export const calendarEvent = once(() =>
  z
    .object({
      id: z.string().meta({ description: "The provider's." }),
      connectionId: z.string(),
      title: z.string(),
      startsAt: z
        .number()
        .nullable()
        .meta({ description: "Milliseconds since the epoch; null of one that takes whole days." }),
      endsAt: z.number().nullable(),
      startDate: z
        .string()
        .nullable()
        .meta({ description: "Of whole days: the first, YYYY-MM-DD." }),
      endDate: z.string().nullable().meta({ description: "The last of them." }),
      location: z.string().nullable(),
      url: z.string().nullable().meta({ description: "Where the provider shows it." }),
    })
    .meta({ id: "CalendarEvent" }),
);
export type CalendarEvent = z.output<ReturnType<typeof calendarEvent>>;

/** What was found, and in which calendars nobody could look. */
export const calendarFindings = once(() =>
  z.object({
    events: z.array(calendarEvent()),
    unread: z
      .array(
        z.object({
          connectionId: z.string(),
          provider: z.enum(["microsoft", "google"]),
          email: z.string().nullable(),
          error: z.string(),
        }),
      )
      .meta({
        description: "Calendars that could not be read: `reconnect`, or what the provider says.",
      }),
  }),
);
export type CalendarFindings = z.output<ReturnType<typeof calendarFindings>>;
