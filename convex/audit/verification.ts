import { getConvexSize } from "convex/values";
import * as z from "zod";
import type { Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { invalidIn } from "../kit/errors";
import { badCursor, openCursor, sealCursor } from "../kit/page";
import { AWAITING } from "./awaiting";
import {
  AUDIT_PARTS,
  type AuditEntry,
  type AuditPart,
  commitOf,
  digestOf,
  ERASURE,
  GENESIS,
  linkOf,
} from "./digest";
import { chainOf, NO_CHAIN } from "./sealing";
import { once } from "../kit/once";

/**
 * Walks an organization's chain from its beginning, which is after what had its ten years, a page at a time: every link is made anew, and so
 * is every digest whose salt is still there. Found is what says something else than it did, what is
 * missing, what was put in between, and an end that was cut off. A part without its salt must be blank
 * and accounted for by an entry that says that it was erased.
 */
const FLAWS = ["changed", "missing", "inserted", "rewritten", "blank_without_erasure"] as const;
type Flaw = (typeof FLAWS)[number];

export const verification = once(() =>
  z
    .object({
      valid: z
        .boolean()
        .nullable()
        .meta({ description: "Null while `next` says that the walk is not at its end." }),
      entries: z.number().int().meta({
        description:
          "The place in the chain up to which it is verified: of entries, from the first.",
      }),
      forgotten: z.number().int().optional().meta({
        description:
          "How many of them had their ten years and are gone; verified is what came after the last.",
      }),
      pending: z.number().int().meta({
        description: "Entries, as far as they are counted, that are younger than the last sealing.",
      }),
      anchor: z.string().meta({ description: "Where the verified part ends; see `?anchor=`." }),
      brokenAt: z
        .object({ seq: z.number().int(), id: z.string().nullable(), reason: z.enum(FLAWS) })
        .optional()
        .meta({ description: "Where the chain first is not what it was." }),
      next: z.string().nullable().meta({ description: "As `?cursor=`: goes on from here." }),
    })
    .meta({ id: "AuditVerification" }),
);
export type Verification = z.output<ReturnType<typeof verification>>;

/** A place in a chain, and its link. */
type Place = { seq: number; hash: string };

const BEGINNING: Place = { seq: 0, hash: GENESIS };
const ANCHOR = /^(\d{1,15}):([0-9a-f]{64})$/;
export const anchorParameter = once(() =>
  z.string().regex(ANCHOR, "must be an anchor that a verification has answered").meta({
    description: "Of an earlier verification, kept elsewhere: the chain must still pass there.",
  }),
);

/** Few, so that requests on a host of one thread do not wait long behind them. */
const ENTRIES_AT_ONCE = 250;
const MAX_BYTES = 6 * 1024 * 1024;
const PENDING_COUNTED = 1000;
/** Each holds the lines of a document, of up to 800 KiB. */
const AWAITING_COUNTED = 5;
const LIST = "audit-verification";

/** One page of the walk. @throws VALIDATION_ERROR for a cursor that is not of a verification */
export async function verifyPage(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  { cursor, anchor }: { cursor?: string | undefined; anchor?: string | undefined },
): Promise<Verification> {
  const beginning = (await chainOf(ctx, organizationId))?.forgotten ?? BEGINNING;
  const asked = cursor === undefined ? beginning : placeAt(openCursor(LIST, cursor));
  // What it had verified so far may have been forgotten meanwhile.
  const start = asked.seq < beginning.seq ? beginning : asked;
  const anchored = anchor === undefined ? null : placeAt(anchor);
  if (anchored && anchored.seq < beginning.seq) {
    const message = "lies among the entries that had their ten years; keep a later one";
    throw invalidIn("query", "anchor", message);
  }
  if (anchored?.seq === beginning.seq && anchored.hash !== beginning.hash) {
    return broken(beginning, null, "rewritten");
  }
  const result = await walk(ctx, organizationId, start, anchored);
  return beginning === BEGINNING ? result : { ...result, forgotten: beginning.seq };
}

async function walk(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  start: Place,
  anchored: Place | null,
): Promise<Verification> {
  const { page, isDone } = await ctx.db
    .query("auditLogs")
    .withIndex("by_seq", (q) => q.eq("organizationId", organizationId).gt("seq", start.seq))
    .paginate({ numItems: ENTRIES_AT_ONCE, cursor: null, maximumBytesRead: MAX_BYTES });
  const erasures = new Erasures(ctx, organizationId);
  let end = start;
  for (const entry of page) {
    const flaw = await flawOf(end, entry, erasures);
    if (flaw) return broken(end, entry._id, flaw);
    const next = { seq: end.seq + 1, hash: entry.hash ?? "" };
    if (anchored?.seq === next.seq && anchored.hash !== next.hash) {
      return broken(end, entry._id, "rewritten");
    }
    end = next;
  }
  if (!isDone) return { ...verified(end), valid: null, next: sealCursor(LIST, textOf(end)) };
  return await verifyEnd(ctx, organizationId, end, anchored);
}

async function flawOf(before: Place, entry: AuditEntry, erasures: Erasures): Promise<Flaw | null> {
  const seq = before.seq + 1;
  if (entry.seq !== seq) return (entry.seq ?? 0) > seq ? "missing" : "inserted";
  const { digests } = entry;
  if (!digests || linkOf(before.hash, seq, entry, digests) !== entry.hash) return "changed";
  for (const part of AUDIT_PARTS) {
    const { salt, sha256 } = digests[part];
    if (salt !== undefined) {
      if (digestOf(part, entry, salt) !== sha256) return "changed";
    } else {
      if (!IS_BLANK[part](entry)) return "changed";
      const subject = part === "changes" ? entry.objectId : entry.actor.id;
      if (!(await erasures.has(subject))) return "blank_without_erasure";
    }
  }
  return null;
}

const IS_BLANK: Record<AuditPart, (entry: AuditEntry) => boolean> = {
  changes: ({ changes }) =>
    changes.every(({ before, after }) => before === undefined && after === undefined),
  origin: ({ actor, ip, userAgent, deviceId }) =>
    actor.name === "" && ip === null && userAgent === null && deviceId === undefined,
};

/** Whose erasures the trail knows of; each is looked up once. */
class Erasures {
  private readonly known = new Map<string, boolean>();

  constructor(
    private readonly ctx: QueryCtx,
    private readonly organizationId: Id<"organizations">,
  ) {}

  async has(objectId: string): Promise<boolean> {
    const known = this.known.get(objectId) ?? (await this.find(objectId));
    this.known.set(objectId, known);
    return known;
  }

  private async find(objectId: string): Promise<boolean> {
    const { organizationId } = this;
    const erasure = await this.ctx.db
      .query("auditLogs")
      .withIndex("by_object_and_action", (q) =>
        q.eq("organizationId", organizationId).eq("objectId", objectId).eq("action", ERASURE),
      )
      .first();
    return erasure !== null;
  }
}

/** After the last link: the chain ends where the job left it, with nothing unlinked before that. */
async function verifyEnd(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  end: Place,
  anchored: Place | null,
): Promise<Verification> {
  const chain = (await chainOf(ctx, organizationId)) ?? NO_CHAIN;
  if (chain.seq > end.seq || (anchored?.seq ?? 0) > end.seq) return broken(end, null, "missing");
  if (chain.seq < end.seq) return broken(end, null, "inserted");
  if (chain.hash !== end.hash) return broken(end, null, "changed");
  const unsealed = ctx.db
    .query("auditLogs")
    .withIndex("by_seq", (q) => q.eq("organizationId", organizationId).eq("seq", undefined));
  let [pending, bytes] = [0, 0];
  for await (const entry of unsealed) {
    if (commitOf(entry) < chain.commitTs) return broken(end, entry._id, "inserted");
    pending += 1;
    bytes += getConvexSize(entry);
    if (pending === PENDING_COUNTED || bytes > MAX_BYTES) break;
  }
  return { ...verified(end), pending: pending + (await awaitingOf(ctx, organizationId)) };
}

/** Entries whose place in the chain waits for the files of what was issued. */
async function awaitingOf(ctx: QueryCtx, organizationId: Id<"organizations">): Promise<number> {
  const awaiting = await ctx.db
    .query("auditLogs")
    .withIndex("by_seq", (q) => q.eq("organizationId", organizationId).eq("seq", AWAITING))
    .take(AWAITING_COUNTED);
  return awaiting.length;
}

function verified(end: Place): Verification {
  return { valid: true, entries: end.seq, pending: 0, anchor: textOf(end), next: null };
}

function broken(before: Place, id: Id<"auditLogs"> | null, reason: Flaw): Verification {
  return { ...verified(before), valid: false, brokenAt: { seq: before.seq + 1, id, reason } };
}

function textOf({ seq, hash }: Place): string {
  return `${seq}:${hash}`;
}

function placeAt(text: string): Place {
  const [, seq, hash] = ANCHOR.exec(text) ?? [];
  if (seq === undefined || hash === undefined) throw badCursor();
  return { seq: Number(seq), hash };
}
