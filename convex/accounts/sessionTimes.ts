/** How exactly `lastUsedAt` is kept: each writing makes the session's live queries run again. */
export const USE_NOTED_EVERY_MS = 10 * 60 * 1000;
