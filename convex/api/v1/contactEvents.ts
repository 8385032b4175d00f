import * as z from "zod";
import { ok, writeEndpoint } from "../../kit/endpoint";
import { calendarFindings } from "../../oauth/calendarShapes";

export const list = writeEndpoint(
  {
    method: "GET",
    path: "/crm/contacts/:id/events",
    tag: "Contacts",
    summary: "List the next appointments with a contact",
    description:
      "At most 20 of the next 90 days, from the primary calendars that the caller has connected (`/auth/oauth/:provider/start?purpose=connect`): those that one of the contact's addresses is invited to. They are read at the provider, and not kept. A calendar that cannot be read is in `unread`.",
    scope: "crm:read",
    callers: ["user"],
    subject: "crm_contact",
    params: () => z.object({ id: z.string() }),
    consults: { action: "oauth/calendars:next", found: calendarFindings },
    answers: { 200: calendarFindings },
  },
  async (_ctx, { consulted }) => ok(consulted),
);
