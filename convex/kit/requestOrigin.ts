/** Which request it was, and from where: as trails and sessions keep it. */
export type RequestOrigin = { traceId: string; ip: string | null; userAgent: string | null };
