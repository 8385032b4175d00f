"use node";

import { v } from "convex/values";
import * as z from "zod";
import { internal } from "../_generated/api";
import type { Id } from "../_generated/dataModel";
import { type ActionCtx, internalAction } from "../_generated/server";
import { emailKey } from "../kit/email";
import { errorDataOf } from "../kit/errors";
import { once } from "../kit/once";
import { consultationArgs } from "../kit/outside";
import { type AccessToken, accessTokenOf, NoAccess } from "./accessToken";
import { boundedFetch } from "./boundedFetch";
import type { CalendarEvent, CalendarFindings } from "./calendarShapes";
import type { CalendarSources } from "./calendarSources";
import { configurationOf, type ProviderName } from "./provider";
import { providerOf } from "./providers";

/** The next appointments with a contact, in the calendars that the caller has connected. */
const MOST = 20;
const DAY = 24 * 60 * 60 * 1000;
/** So far ahead they are looked for. */
const AHEAD_MS = 90 * DAY;
/** Of so many a page, since Graph cannot look for attendees itself. */
const PAGE = 250;
const MAX_PAGES = 4;

type Source = CalendarSources["connections"][number];
type Found = Omit<CalendarEvent, "connectionId"> & { attendees: string[] };

/** Asks each of the caller's calendars. @throws as calendarSources.find */
export const next = internalAction({
  args: consultationArgs,
  returns: v.string(),
  handler: async (ctx, args): Promise<string> => {
    const { emails, connections }: CalendarSources = await ctx.runQuery(
      internal.oauth.calendarSources.find,
      args,
    );
    const findings: CalendarFindings = { events: [], unread: [] };
    const asked = emails.length === 0 ? [] : connections;
    for (const source of asked) {
      const { id: connectionId, provider, email } = source;
      const found = await eventsOf(ctx, source, emails);
      if ("error" in found) {
        findings.unread.push({ connectionId, provider, email, error: found.error });
        continue;
      }
      for (const { attendees, ...event } of found.events) {
        const isWith = attendees.some((attendee) => emails.includes(emailKey(attendee)));
        if (isWith) findings.events.push({ ...event, connectionId });
      }
    }
    findings.events.sort((a, b) => beginningOf(a) - beginningOf(b));
    return JSON.stringify({ ...findings, events: findings.events.slice(0, MOST) });
  },
});

function beginningOf({ startsAt, startDate }: CalendarEvent): number {
  return startsAt ?? Date.parse(startDate ?? "");
}

/** What a provider answers is not thrown: the other calendars are read all the same. */
async function eventsOf(
  ctx: ActionCtx,
  { id, provider, isActive }: Source,
  emails: readonly string[],
): Promise<{ events: Found[] } | { error: string }> {
  if (!isActive) return { error: "reconnect" };
  try {
    const { apiUrl } = configurationOf(providerOf(provider));
    const calendar = new Calendar(ctx, id, apiUrl);
    const events = await READ[provider](calendar, emails, Date.now());
    await ctx.runMutation(internal.oauth.refreshing.noteUse, { id, error: null });
    return { events };
  } catch (thrown) {
    const error = wordFor(thrown);
    await ctx.runMutation(internal.oauth.refreshing.noteUse, { id, error });
    return { error };
  }
}

function wordFor(thrown: unknown): string {
  if (thrown instanceof NoAccess) return thrown.isOver ? "reconnect" : thrown.code;
  const refusal = errorDataOf(thrown);
  if (refusal) return refusal.message;
  return thrown instanceof Unreadable ? thrown.message : "no_answer";
}

class Unreadable extends Error {}

/** The API of one connection, which is asked with a token that is good. */
class Calendar {
  private access: AccessToken | null = null;

  constructor(
    private readonly ctx: ActionCtx,
    private readonly id: Id<"oauthConnections">,
    private readonly apiUrl: string,
  ) {}

  url(path: string, parameters: Record<string, string>): string {
    return `${this.apiUrl}${path}?${new URLSearchParams(parameters).toString()}`;
  }

  /** @throws Unreadable; also for an address that is not the provider's own */
  async read<Shape extends z.ZodType>(address: string, shape: Shape): Promise<z.output<Shape>> {
    if (!address.startsWith(`${this.apiUrl}/`)) throw new Unreadable("another_address");
    this.access ??= await accessTokenOf(this.ctx, this.id);
    let response = await this.ask(address, this.access);
    if (response.status === 401) {
      this.access = await accessTokenOf(this.ctx, this.id, this.access.grant);
      response = await this.ask(address, this.access);
    }
    if (!response.ok) throw new Unreadable(`http_${response.status}`);
    const parsed = shape.safeParse(await response.json());
    if (!parsed.success) throw new Unreadable("unreadable");
    return parsed.data;
  }

  private async ask(address: string, { accessToken }: AccessToken): Promise<Response> {
    return await boundedFetch(address, {
      headers: {
        Accept: "application/json",
        Authorization: `Bearer ${accessToken}`,
        Prefer: 'outlook.timezone="UTC"',
      },
    });
  }
}

type Read = (calendar: Calendar, emails: readonly string[], now: number) => Promise<Found[]>;
const READ: Record<ProviderName, Read> = { google: readGoogle, microsoft: readMicrosoft };

const googleTime = once(() =>
  z.object({ dateTime: z.string().optional(), date: z.string().optional() }),
);
const googlePage = once(() =>
  z.object({
    items: z.array(
      z.object({
        id: z.string(),
        summary: z.string().optional(),
        status: z.string().optional(),
        start: googleTime(),
        end: googleTime(),
        location: z.string().optional(),
        htmlLink: z.string().optional(),
        attendees: z.array(z.object({ email: z.string().optional() })).optional(),
      }),
    ),
  }),
);

/** https://developers.google.com/workspace/calendar/api/v3/reference/events/list: `q` looks at attendees too. */
async function readGoogle(
  calendar: Calendar,
  emails: readonly string[],
  now: number,
): Promise<Found[]> {
  const found: Found[] = [];
  for (const q of emails) {
    const url = calendar.url("/calendar/v3/calendars/primary/events", {
      ...{ q, singleEvents: "true", orderBy: "startTime", maxResults: String(PAGE) },
      timeMin: new Date(now).toISOString(),
      timeMax: new Date(now + AHEAD_MS).toISOString(),
    });
    const { items } = await calendar.read(url, googlePage());
    for (const item of items) {
      if (item.status === "cancelled" || found.some(({ id }) => id === item.id)) continue;
      const { start, end, location = null, htmlLink: url = null, attendees = [] } = item;
      found.push({
        ...{ id: item.id, title: item.summary ?? "", location, url },
        ...timesOf(start.dateTime, end.dateTime),
        ...(start.date === undefined ? {} : daysOf(start.date, end.date ?? start.date)),
        attendees: attendees.flatMap(({ email }) => (email === undefined ? [] : [email])),
      });
    }
  }
  return found;
}

const graphTime = once(() => z.object({ dateTime: z.string() }));
const graphPage = once(() =>
  z.object({
    value: z.array(
      z.object({
        id: z.string(),
        subject: z.string().nullish(),
        isAllDay: z.boolean().nullish(),
        isCancelled: z.boolean().nullish(),
        start: graphTime(),
        end: graphTime(),
        location: z.object({ displayName: z.string().nullish() }).nullish(),
        webLink: z.string().nullish(),
        attendees: z
          .array(z.object({ emailAddress: z.object({ address: z.string().nullish() }) }))
          .nullish(),
      }),
    ),
    "@odata.nextLink": z.string().optional(),
  }),
);

/** https://learn.microsoft.com/graph/api/calendar-list-calendarview */
async function readMicrosoft(
  calendar: Calendar,
  _emails: readonly string[],
  now: number,
): Promise<Found[]> {
  const found: Found[] = [];
  let url: string | undefined = calendar.url("/me/calendarView", {
    startDateTime: new Date(now).toISOString(),
    endDateTime: new Date(now + AHEAD_MS).toISOString(),
    $orderby: "start/dateTime",
    $top: String(PAGE),
    $select: "id,subject,start,end,isAllDay,isCancelled,location,webLink,attendees",
  });
  for (let page = 0; page < MAX_PAGES && url !== undefined; page++) {
    const answer: z.output<ReturnType<typeof graphPage>> = await calendar.read(url, graphPage());
    for (const item of answer.value) {
      if (item.isCancelled === true) continue;
      const [start, end] = [inUtc(item.start.dateTime), inUtc(item.end.dateTime)];
      found.push({
        id: item.id,
        title: item.subject ?? "",
        location: item.location?.displayName || null,
        url: item.webLink ?? null,
        ...(item.isAllDay === true
          ? daysOf(start.slice(0, 10), end.slice(0, 10))
          : timesOf(start, end)),
        attendees: (item.attendees ?? []).flatMap(({ emailAddress: { address } }) => address ?? []),
      });
    }
    url = answer["@odata.nextLink"];
  }
  return found;
}

type Times = Pick<CalendarEvent, "startsAt" | "endsAt" | "startDate" | "endDate">;

/** RFC 3339. */
function timesOf(start: string | undefined, end: string | undefined): Times {
  const startsAt = timeOf(start);
  return { startsAt, endsAt: timeOf(end) ?? startsAt, startDate: null, endDate: null };
}

function timeOf(text: string | undefined): number | null {
  const at = text === undefined ? NaN : Date.parse(text);
  return Number.isNaN(at) ? null : at;
}

/** Whole days, of which both providers name the first and the one after the last (RFC 5545, 3.6.1). */
function daysOf(startDate: string, after: string): Times {
  const last = Math.max(Date.parse(after) - DAY, Date.parse(startDate));
  const endDate = Number.isNaN(last) ? startDate : new Date(last).toISOString().slice(0, 10);
  return { startsAt: null, endsAt: null, startDate, endDate };
}

/** Graph says times in the zone that was asked for, without naming it, to seven places. */
function inUtc(text: string): string {
  return /(Z|[+-]\d\d:\d\d)$/.test(text) ? text : `${text.slice(0, 23)}Z`;
}
