import type * as z from "zod";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import type { Problem } from "./errors";
import type { Payload } from "./payloadPieces";
import { readAs } from "./problems";
import { findUnsafeValue } from "./text";
import { readingIn } from "./reading";

export async function payloadOf(ctx: QueryCtx, event: Doc<"incomingEvents">): Promise<Payload> {
  const rest = ctx.db
    .query("incomingEventPieces")
    .withIndex("by_event", (q) => q.eq("eventId", event._id));
  let text = event.payload;
  for await (const piece of rest) text += piece.text;
  return { text, isUtf8: event.isUtf8 !== false };
}

/** Deletes what stands beside an event's row. */
export async function deletePieces(ctx: MutationCtx, eventId: Id<"incomingEvents">): Promise<void> {
  const pieces = ctx.db
    .query("incomingEventPieces")
    .withIndex("by_event", (q) => q.eq("eventId", eventId));
  for await (const { _id } of pieces) await ctx.db.delete("incomingEventPieces", _id);
}

type Read<Schema extends z.ZodType> =
  { success: true; data: z.output<Schema> } | { success: false; problem: Problem };

/** The body as its schema has it, or the first thing that is wrong with it; days are of the time zone. */
export function readPayload<Schema extends z.ZodType>(
  schema: Schema,
  { text, isUtf8 }: Payload,
  timeZone: string,
): Read<Schema> {
  if (!isUtf8) return wrong("body", "is not UTF-8");
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    return wrong("body", `is not JSON: ${error instanceof Error ? error.message : "unreadable"}`);
  }
  const read = readingIn(timeZone, () => readAs("body", schema, value));
  if (read.problems) {
    const [problem = { path: "body", message: "is not readable" }] = read.problems;
    return { success: false, problem };
  }
  // Only what is read of it has to be storable: a provider's other fields do not matter to us.
  const unsafe = findUnsafeValue(read.data, "body");
  return unsafe ? { success: false, problem: unsafe } : { success: true, data: read.data };
}

function wrong(path: string, message: string): { success: false; problem: Problem } {
  return { success: false, problem: { path, message } };
}
