import * as z from "zod";
import { once } from "../kit/once";
import { STAFF_EVENT_TYPES } from "./staffEvents";

/** What members of staff send of their choices, and what they are shown of them. */
const choice = once(() => z.object({ in_app: z.boolean(), email: z.boolean() }));

export const notificationSettings = once(() =>
  z
    .object({ events: z.record(z.enum(STAFF_EVENT_TYPES), choice()) })
    .meta({ id: "NotificationSettings" }),
);

export const notificationSettingsUpdate = once(() =>
  z
    .strictObject({
      events: z.partialRecord(
        z.enum(STAFF_EVENT_TYPES),
        z.strictObject({ in_app: z.boolean().optional(), email: z.boolean().optional() }),
      ),
    })
    .meta({ id: "NotificationSettingsUpdate" }),
);
