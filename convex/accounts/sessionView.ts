import * as z from "zod";
import { once } from "../kit/once";
import { lastUseOf, type Session } from "./sessions";

/** A session as its owner sees it; times in milliseconds since the epoch. */
export const sessionRecord = once(() =>
  z.object({
    id: z.string(),
    method: z.string().meta({ description: "By which way they signed in: `password`, …" }),
    deviceName: z.string().nullable(),
    userAgent: z.string().nullable(),
    ip: z.string().nullable(),
    createdAt: z.number(),
    lastUsedAt: z.number().meta({ description: "To ten minutes." }),
    expiresAt: z.number(),
    isCurrent: z.boolean().meta({ description: "Whether it is the one that is calling." }),
  }),
);
export type SessionRecord = z.output<ReturnType<typeof sessionRecord>>;

export function sessionView(session: Session, current: Session | null): SessionRecord {
  const { _id: id, method, deviceName, userAgent, ip, createdAt, expiresAt } = session;
  return {
    ...{ id, method: method ?? "operator" },
    ...{ deviceName: deviceName ?? null, userAgent: userAgent ?? null, ip: ip ?? null },
    ...{ createdAt, lastUsedAt: lastUseOf(session), expiresAt },
    isCurrent: id === current?._id,
  };
}
