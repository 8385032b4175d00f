import * as z from "zod";
import {
  created,
  noContent,
  ok,
  readEndpoint,
  writeEndpoint,
  type WriteFunction,
} from "../../kit/endpoint";
import { invalidIn } from "../../kit/errors";
import { dayOf } from "../../kit/localTime";
import { currencyCode, hourlyRate } from "../../kit/money";
import { once } from "../../kit/once";
import { organizationOf } from "../../kit/own";
import { pageParameters } from "../../kit/pageParameters";
import { longText } from "../../kit/text";
import { businessDate, documentsFrom, documentsTo } from "../../kit/time";
import { invoiceRecord } from "../../ontology/salesRecords";
import { invoiceView } from "../../ontology/salesView";
import { GROUPS, invoiceTime } from "../../time/billing";
import { changeEntry, logTime, MAX_MINUTES, removeEntry } from "../../time/entries";
import { pageOfTime } from "../../time/list";
import { MAX_BILLED } from "../../time/release";
import { requireProjectAction } from "../../team/roles";
import { summaryOf } from "../../time/summary";
import { timeView as view } from "../../time/view";
import { startTimer, stopTimer } from "../../time/timers";
import {
  requireChangeable,
  seesAllTime,
  userOfTime,
  whoseTime,
  whoseTimer,
} from "../../time/whose";
import { taskType } from "../../types/task/type";

const tag = "Time";

const timeEntry = once(() =>
  z
    .object({
      id: z.string(),
      taskId: z.string(),
      projectId: z.string(),
      userId: z.string(),
      startedAt: z.number().optional(),
      endedAt: z.number().optional(),
      date: z.string().meta({ description: "A day in the organization's time zone." }),
      minutes: z.number().int().meta({ description: "0 while a timer runs." }),
      note: z.string().optional(),
      billable: z.boolean(),
      rateInCents: z.number().int().meta({ description: "Of an hour, as it was then." }),
      currency: z.string(),
      isRunning: z.boolean(),
      invoiceId: z.string().optional().meta({ description: "The invoice that bills it." }),
      createdAt: z.number(),
      updatedAt: z.number(),
    })
    .meta({ id: "TimeEntry" }),
);

const minutes = (): z.ZodNumber => z.number().int().min(1).max(MAX_MINUTES);
const span = once(() => ({
  startedAt: businessDate().optional(),
  endedAt: businessDate().optional().meta({ description: "At most 24 hours later." }),
  date: businessDate().optional().meta({ description: "The day, where no times are given." }),
  minutes: minutes().optional(),
}));
const userId = once(() =>
  z.string().max(64).optional().meta({
    description:
      "Whose time it is: another member's may be entered by leads of the project, owners, managers and API keys. Of a key that names nobody, it is the first owner's.",
  }),
);
const note = once(() => longText(2000));

const creation = once(() =>
  z
    .strictObject({
      ...span(),
      note: note().optional(),
      billable: z.boolean().optional().meta({ description: "`true` by default." }),
      userId: userId(),
    })
    .meta({ id: "TimeEntryCreation" }),
);
const start = once(() =>
  z
    .strictObject({
      note: note().optional(),
      billable: z.boolean().optional(),
      userId: userId(),
    })
    .meta({ id: "TimerStart" }),
);
const stop = once(() =>
  z
    .strictObject({
      endedAt: businessDate().optional().meta({
        description: "Now by default; to be said of a timer that has run for more than 24 hours.",
      }),
      note: note().optional(),
      userId: userId(),
    })
    .meta({ id: "TimerStop" }),
);

/** Below its project, and by itself: one route each, and one function. */
const inProject = { type: "project", param: "taskId" } as const;
type Place = { path: string; within?: typeof inProject };
const flat = (rest: string): Place => ({ path: `/tasks/:id/${rest}` });
const ofProject = (rest: string): Place => ({
  path: `/projects/:id/tasks/:taskId/${rest}`,
  within: inProject,
});

const logAt = (place: Place): WriteFunction =>
  writeEndpoint(
    {
      method: "POST",
      ...place,
      tag,
      summary: "Enter time on a task",
      description:
        "From `startedAt` to `endedAt`, or so many `minutes` of a `date`. What an hour costs is the rate of the member in the project, else of the project, else of the organization, as it is now.",
      scope: "projects:write",
      subject: "task",
      body: creation,
      example: { date: "2026-09-21", minutes: 90, note: "Wireframes" },
      answers: { 201: timeEntry },
      errors: ["NOT_FOUND", "FORBIDDEN"],
    },
    async (ctx, { subject, body: { userId: given, ...time } }) => {
      const whose = await whoseTime(ctx, ctx.store, ctx.caller, subject, given);
      return created(view(await logTime({ ctx, store: ctx.store }, subject, whose, time)));
    },
  );
export const log = logAt(flat("time"));
export const logInProject = logAt(ofProject("time"));

const startAt = (place: Place): WriteFunction =>
  writeEndpoint(
    {
      method: "POST",
      ...place,
      tag,
      summary: "Start a timer on a task",
      description: "One runs per member and organization.",
      scope: "projects:write",
      subject: "task",
      body: () => start().optional(),
      example: { note: "Wireframes" },
      answers: { 201: timeEntry },
      errors: ["CONFLICT", "NOT_FOUND", "FORBIDDEN"],
    },
    async (ctx, { subject, body: { userId: given, ...said } = {} }) => {
      const whose = await whoseTime(ctx, ctx.store, ctx.caller, subject, given);
      return created(view(await startTimer({ ctx, store: ctx.store }, subject, whose, said)));
    },
  );
export const begin = startAt(flat("timer/start"));
export const beginInProject = startAt(ofProject("timer/start"));

const stopAt = (place: Place): WriteFunction =>
  writeEndpoint(
    {
      method: "POST",
      ...place,
      tag,
      summary: "Stop the timer on a task",
      scope: "projects:write",
      subject: "task",
      body: () => stop().optional(),
      example: { note: "Wireframes, second round" },
      answers: { 200: timeEntry },
      errors: ["NOT_FOUND", "FORBIDDEN"],
    },
    async (ctx, { subject, body: { userId: given, ...said } = {} }) => {
      const whose = await whoseTimer(ctx, ctx.store, ctx.caller, subject, given);
      return ok(view(await stopTimer({ ctx, store: ctx.store }, subject, whose, said)));
    },
  );
export const end = stopAt(flat("timer/stop"));
export const endInProject = stopAt(ofProject("timer/stop"));

const yesOrNo = (): z.ZodOptional<z.ZodEnum<{ true: "true"; false: "false" }>> =>
  z.enum(["true", "false"]).optional();

export const list = readEndpoint(
  {
    method: "GET",
    path: "/time-entries",
    tag,
    summary: "List time",
    description:
      "The latest day first. Members without a `projectId` or `taskId` get their own; owners, managers and API keys everybody's.",
    scope: "projects:read",
    query: () =>
      z.strictObject({
        ...pageParameters(),
        projectId: z.string().max(64).optional(),
        taskId: z.string().max(64).optional(),
        userId: z.string().max(64).optional().meta({ description: "`me` is oneself." }),
        from: documentsFrom().optional(),
        to: documentsTo().optional(),
        billable: yesOrNo(),
        billed: yesOrNo(),
      }),
    list: true,
    answers: { 200: () => z.array(timeEntry()) },
    errors: ["NOT_FOUND"],
  },
  async (ctx, { query }) => {
    const { projectId, taskId, userId: asked, from, to, billable, billed, ...page } = query;
    const { caller, tenant } = ctx;
    const { timeZone } = await organizationOf(ctx, caller);
    const project = projectId === undefined ? null : await tenant.require("project", projectId);
    const task = taskId === undefined ? null : await tenant.require("task", taskId);
    if (asked === "me" && caller.kind !== "user") {
      throw invalidIn("query", "userId", "me is a member of staff; take an id");
    }
    const own = caller.kind === "user" ? caller.id : undefined;
    const named = asked === "me" ? own : asked;
    // What others do elsewhere is shown by project, which one must see.
    const isOwnAlone = !project && !task && !seesAllTime(caller);
    const whose = isOwnAlone ? own : named;
    const filters = {
      projectId: project?._id,
      taskId: task?._id,
      userId: whose === undefined ? undefined : await userOfTime(ctx, caller.organizationId, whose),
      from: from === undefined ? undefined : dayOf(from, timeZone),
      to: to === undefined ? undefined : dayOf(to, timeZone),
      billable: billable === undefined ? undefined : billable === "true",
      billed: billed === undefined ? undefined : billed === "true",
    };
    const { rows, meta } = await pageOfTime(ctx, caller.organizationId, filters, page);
    return ok(rows.map(view), { meta });
  },
);

const change = once(() =>
  z
    .strictObject({
      ...span(),
      note: note().nullable().optional(),
      billable: z.boolean().optional(),
      rateInCents: hourlyRate().optional().meta({
        description: "By leads of the project, owners, managers and API keys.",
      }),
    })
    .meta({ id: "TimeEntryUpdate" }),
);
const byId = (): z.ZodObject<{ id: z.ZodString }> => z.object({ id: z.string() });

export const update = writeEndpoint(
  {
    method: "PATCH",
    path: "/time-entries/:id",
    tag,
    summary: "Change an entry of time",
    description:
      "One's own; leads of the project, owners, managers and API keys all. `endedAt` stops a timer that runs. What an invoice bills does not change.",
    scope: "projects:write",
    params: byId,
    body: change,
    example: { note: "Wireframes, third round" },
    answers: { 200: timeEntry },
    errors: ["INVALID_STATE", "NOT_FOUND", "FORBIDDEN"],
  },
  async (ctx, { params, body }) => {
    const entry = await ctx.store.own("timeEntries", params.id);
    await requireChangeable(ctx, ctx.store, ctx.caller, entry, body);
    return ok(view(await changeEntry({ ctx, store: ctx.store }, entry, body)));
  },
);

export const remove = writeEndpoint(
  {
    method: "DELETE",
    path: "/time-entries/:id",
    tag,
    summary: "Delete an entry of time",
    scope: "projects:write",
    params: byId,
    answers: { 204: null },
    errors: ["INVALID_STATE", "NOT_FOUND", "FORBIDDEN"],
  },
  async (ctx, { params }) => {
    const entry = await ctx.store.own("timeEntries", params.id);
    await requireChangeable(ctx, ctx.store, ctx.caller, entry);
    await removeEntry({ ctx, store: ctx.store }, entry);
    return noContent;
  },
);

const invoicing = once(() =>
  z
    .strictObject({
      from: documentsFrom(),
      to: documentsTo(),
      groupBy: z.enum(GROUPS).meta({ description: "What has a line; each rate has its own." }),
      currency: currencyCode().optional().meta({
        description: "Of time in several, the one to be billed.",
      }),
      roundToMinutes: minutes().optional().meta({
        description: "Each entry is rounded up to whole steps of it, on the invoice alone.",
      }),
    })
    .meta({ id: "TimeInvoicing" }),
);

export const invoice = writeEndpoint(
  {
    method: "POST",
    path: "/projects/:id/invoice",
    tag,
    summary: "Make a draft invoice of a project's time",
    description: `For the project's client, of all billable time in these days that no invoice bills, at most ${MAX_BILLED} entries. Cancelling the invoice, or crediting all of it, frees them; changing the lines of the draft does not.`,
    scope: "invoices:write",
    subject: "project",
    body: invoicing,
    example: { from: "2026-09-01", to: "2026-09-30", groupBy: "task", roundToMinutes: 15 },
    answers: { 201: invoiceRecord },
    errors: ["CONFLICT", "FORBIDDEN"],
  },
  async (ctx, { subject, body: { from, to, roundToMinutes = 1, ...how } }) => {
    await requireProjectAction(ctx, ctx.scope, subject, "invoice time");
    const { timeZone } = ctx.organization;
    const days = { from: dayOf(from, timeZone), to: dayOf(to, timeZone) };
    const draft = await invoiceTime(ctx, subject, { ...days, ...how, roundToMinutes });
    return created(invoiceView(draft), { version: draft.version });
  },
);

const summaryShape = once(() =>
  z
    .object({
      currency: z.string(),
      budgetInCents: z.number().int().optional(),
      plannedMinutes: z.number().int().meta({ description: "The estimates of its tasks." }),
      loggedMinutes: z.number().int(),
      unbilledInCents: z.number().int(),
      invoicedInCents: z.number().int().meta({ description: "Less what was credited; with tax." }),
      openInCents: z.number().int().meta({ description: "Of that, what is still to be paid." }),
      otherCurrencies: z
        .array(
          z.object({
            currency: z.string(),
            unbilledInCents: z.number().int(),
            invoicedInCents: z.number().int(),
            openInCents: z.number().int(),
          }),
        )
        .optional()
        .meta({ description: "The same amounts in other currencies, where there are any." }),
      tasksByStatus: z.object(
        Object.fromEntries(taskType.statuses.map((status) => [status, z.number().int()])),
      ),
    })
    .meta({ id: "ProjectSummary" }),
);

export const summary = readEndpoint(
  {
    method: "GET",
    path: "/projects/:id/summary",
    tag,
    summary: "Time and money of a project",
    description: "Exact; amounts in the currency of its budget, else of the organization.",
    scope: "projects:read",
    subject: "project",
    answers: { 200: summaryShape },
  },
  async (ctx, { subject }) => ok(await summaryOf(ctx, subject)),
);
