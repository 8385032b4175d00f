import * as z from "zod";
import { boardOf, TASKS_PER_COLUMN } from "../../boards/board";
import { CALENDAR_KINDS, calendarOf, MAX_ENTRIES } from "../../boards/calendar";
import { type FeedHolder, makeFeed, removeFeed } from "../../boards/feeds";
import { calendarSpan } from "../../boards/span";
import { workloadOf } from "../../boards/workload";
import { created, noContent, ok, readEndpoint, writeEndpoint } from "../../kit/endpoint";
import { once } from "../../kit/once";
import { schemasOf } from "../../ontology/fieldSchemas";
import { mappedView } from "../../ontology/fieldValues";
import { taskType } from "../../types/task/type";

const tag = "Tasks";

const board = once(() =>
  z
    .object({
      projectId: z.string(),
      columns: z.array(
        z.object({
          status: z.enum(taskType.statuses),
          total: z.number().int(),
          tasks: z.array(schemasOf(taskType).record),
          nextCursor: z.string().nullable(),
        }),
      ),
    })
    .meta({ id: "Board" }),
);

export const get = readEndpoint(
  {
    method: "GET",
    path: "/projects/:id/board",
    tag,
    summary: "Get a project's board",
    description: `A column per status with its first ${TASKS_PER_COLUMN} tasks. With \`status\`, that column alone, and with its \`nextCursor\` as \`cursor\` the next ones.`,
    scope: "projects:read",
    subject: "project",
    query: () =>
      z
        .strictObject({
          status: z.enum(taskType.statuses).optional(),
          cursor: z.string().max(2000).optional(),
        })
        .refine(({ status, cursor }) => cursor === undefined || status !== undefined, {
          path: ["cursor"],
          message: "is of one column; name its status",
        }),
    answers: { 200: board },
  },
  async (ctx, { subject, query }) => {
    const columns = await boardOf(ctx, ctx.caller, subject._id, query);
    const shown = columns.map(({ tasks, ...column }) => ({
      ...column,
      tasks: tasks.map((task) => mappedView(taskType.map, task)),
    }));
    return ok({ projectId: subject._id, columns: shown });
  },
);

export const calendar = readEndpoint(
  {
    method: "GET",
    path: "/calendar",
    tag,
    summary: "What falls on the days of a span",
    description: `Open tasks that are due, first and last days of projects, and, for those who may read invoices, the days on which they are dated and due. At most ${MAX_ENTRIES} of a kind.`,
    scope: "projects:read",
    query: calendarSpan,
    answers: {
      200: () =>
        z.array(
          z
            .object({
              kind: z.enum(CALENDAR_KINDS),
              id: z.string(),
              title: z.string(),
              date: z.string().meta({ description: "`YYYY-MM-DD`, in the organization's zone." }),
            })
            .meta({ id: "CalendarEntry" }),
        ),
    },
  },
  async (ctx, { query }) => ok(await calendarOf(ctx, ctx.caller, query)),
);

export const makeCalendarFeed = writeEndpoint(
  {
    method: "POST",
    path: "/calendar/feed",
    tag,
    summary: "Get a secret address of your calendar",
    description:
      "For calendar programs (iCalendar, RFC 5545): a quarter back and a year on, what you see at that moment. An earlier address of yours is worth nothing from then on.",
    scope: "projects:read",
    answers: { 201: () => z.object({ url: z.string().nullable() }) },
    secrets: ["url"],
  },
  async (ctx) => {
    const token = await makeFeed(ctx, ctx.caller as FeedHolder, Date.now());
    const site = process.env.CONVEX_SITE_URL ?? "";
    return created({ url: `${site}/api/v1/calendar/feeds/${token}.ics` });
  },
);

export const removeCalendarFeed = writeEndpoint(
  {
    method: "DELETE",
    path: "/calendar/feed",
    tag,
    summary: "Take back the secret address of your calendar",
    scope: "projects:read",
    answers: { 204: null },
  },
  async (ctx) => {
    await removeFeed(ctx, ctx.caller as FeedHolder);
    return noContent;
  },
);

export const workload = readEndpoint(
  {
    method: "GET",
    path: "/workload",
    tag,
    summary: "What each member has to do, by week",
    description:
      "Open tasks that are due in the span. A task of several people counts for each of them, with an equal part of its minutes.",
    scope: "projects:read",
    query: calendarSpan,
    answers: {
      200: () =>
        z.array(
          z
            .object({
              userId: z.string(),
              name: z.string(),
              week: z.string().meta({ description: "ISO 8601: `2026-W22`." }),
              tasks: z.number().int(),
              plannedMinutes: z.number().int(),
            })
            .meta({ id: "Workload" }),
        ),
    },
  },
  async (ctx, { query }) => ok(await workloadOf(ctx, ctx.caller, query)),
);
