import { internal } from "../../_generated/api";
import { notFound } from "../errors";
import { failure } from "./answer";
import { API_PREFIX, type HttpApp } from "./context";
import { meterStranger } from "./strangers";

const DAY = 24 * 60 * 60 * 1000;
/** A quarter back, and a year on: what calendar programs show. */
const DAYS_BACK = 92;
const DAYS_ON = 366;

/**
 * Calendars by their secret address. Whoever asks is counted by where they ask from, since a program asks
 * without a credential; who tries addresses is counted as who tries tokens is, too.
 */
export function calendarFeedRoutes(app: HttpApp): void {
  app.get(`${API_PREFIX}/calendar/feeds/:file`, async (c) => {
    const refusal = await meterStranger(c, null);
    if (refusal !== null) return failure(c, refusal);
    const token = c.req.param("file").replace(/\.ics$/, "");
    const now = Date.now();
    const today = now - (now % DAY);
    const span = { from: today - DAYS_BACK * DAY, to: today + DAYS_ON * DAY };
    const text = await c.env.runQuery(internal.boards.feeds.read, { token, now: today, ...span });
    if (text === null) {
      return failure(c, await meterStranger(c, notFound("calendar"), { triesTokens: true }));
    }
    c.header("Content-Type", "text/calendar; charset=utf-8");
    c.header("Cache-Control", "private, no-cache");
    c.header("Content-Disposition", 'inline; filename="freehold.ics"');
    return c.body(text);
  });
}
