import type { PaginationOptions, PaginationResult } from "convex/server";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { MAX_BYTES } from "../kit/page";
import { rowOfAnyTenant } from "../kit/own";
import type { Job, JobState } from "../schemas/jobSchemas";
import type { JobTable } from "./tables";

/**
 * A kind of job: a table whose rows are jobs, and what only it knows of them. What recovery and
 * administration do for all kinds, they do through this.
 */
export type JobKind = {
  name: string;
  /** The longest lease: one that ends later than twice that was given by a clock that was set back. */
  leaseMs: number;
  /** Jobs in a state, by their time. */
  jobs(ctx: QueryCtx, state: JobState, span: Span): JobRange;
  find(ctx: MutationCtx, id: string): Promise<OpenedJob | null>;
  /** Starts what is due and was not started, where that is not told of each row; how many were. */
  startLost: ((ctx: MutationCtx, now: number) => Promise<number>) | undefined;
  /** Rows of before, which say of their job in another way: so many are made to say it in this one. */
  convert(ctx: MutationCtx, most: number): Promise<number>;
};

export type Span = { from: number; to: number };

export type ListedJob = {
  id: string;
  job: Job;
  organizationId: Id<"organizations"> | null;
  createdAt: number;
};
type Page = { page: ListedJob[]; isDone: boolean; continueCursor: string };

/** A range of jobs, the oldest first; `paginate` answers the newest first. */
export type JobRange = {
  take(most: number): Promise<ListedJob[]>;
  paginate(options: { cursor: string | null; numItems: number }): Promise<Page>;
};

/** A job with what can be done with it now. */
export type OpenedJob = ListedJob & {
  write(job: Job): Promise<void>;
  /** Its lease has ended without a word. */
  interrupted(now: number): Promise<void>;
  /** It is due, and what should have started it was lost. */
  start(now: number): Promise<void>;
  /** Somebody wants it tried again; a refusal is thrown. */
  retry(now: number): Promise<void>;
  /** Somebody wants it ended; a refusal is thrown. */
  cancel(now: number): Promise<void>;
};

type Query<Table extends JobTable> = {
  take(most: number): Promise<Doc<Table>[]>;
  order(order: "desc"): {
    paginate(options: PaginationOptions): Promise<PaginationResult<Doc<Table>>>;
  };
};

export type KindDefinition<Table extends JobTable> = {
  name: string;
  table: Table;
  leaseMs: number;
  /** Its index `by_job`. */
  byJob(ctx: QueryCtx, state: JobState, span: Span): Query<Table>;
  /** What a row says of its job, also one of before; null for a row that is none. */
  jobOf: (row: Doc<Table>) => Job | null;
  organizationOf(row: Doc<Table>): Id<"organizations"> | null;
  createdAt(row: Doc<Table>): number;
  write(ctx: MutationCtx, row: Doc<Table>, job: Job): Promise<void>;
  interrupted(ctx: MutationCtx, row: Doc<Table>, job: Job, now: number): Promise<void>;
  /** Or `startLost`, for all. */
  start?(ctx: MutationCtx, row: Doc<Table>, job: Job, now: number): Promise<void>;
  startLost?: (ctx: MutationCtx, now: number) => Promise<number>;
  retry(ctx: MutationCtx, row: Doc<Table>, job: Job, now: number): Promise<void>;
  cancel(ctx: MutationCtx, row: Doc<Table>, job: Job, now: number): Promise<void>;
  /** What else is due where a row of before is converted. */
  converted?(ctx: MutationCtx, row: Doc<Table>, job: Job): Promise<void>;
  /** Open rows of before. */
  ofBefore(ctx: MutationCtx, most: number): Promise<Doc<Table>[]>;
};

export function jobKind<Table extends JobTable>(definition: KindDefinition<Table>): JobKind {
  const { name, leaseMs, table, jobOf } = definition;
  const listed = (row: Doc<Table>): ListedJob[] => {
    const job = jobOf(row);
    const organizationId = definition.organizationOf(row);
    return job ? [{ id: row._id, job, organizationId, createdAt: definition.createdAt(row) }] : [];
  };
  return {
    name,
    leaseMs,
    startLost: definition.startLost,
    jobs: (ctx, state, span) => {
      const range = (): Query<Table> => definition.byJob(ctx, state, span);
      return {
        take: async (most) => (await range().take(most)).flatMap(listed),
        paginate: async (options) => {
          const read = { ...options, maximumBytesRead: MAX_BYTES };
          const { page, isDone, continueCursor } = await range().order("desc").paginate(read);
          return { page: page.flatMap(listed), isDone, continueCursor };
        },
      };
    },
    find: async (ctx, id) => {
      const row = await rowOfAnyTenant(ctx, table, id);
      const [found] = row ? listed(row) : [];
      if (!row || !found) return null;
      const { job } = found;
      return {
        ...found,
        write: async (next) => {
          await definition.write(ctx, row, next);
        },
        interrupted: async (now) => {
          await definition.interrupted(ctx, row, job, now);
        },
        start: async (now) => await definition.start?.(ctx, row, job, now),
        retry: async (now) => {
          await definition.retry(ctx, row, job, now);
        },
        cancel: async (now) => {
          await definition.cancel(ctx, row, job, now);
        },
      };
    },
    convert: async (ctx, most) => {
      const rows = await definition.ofBefore(ctx, most);
      for (const row of rows) {
        const job = jobOf(row);
        if (!job) continue;
        await definition.write(ctx, row, job);
        await definition.converted?.(ctx, row, job);
      }
      return rows.length;
    },
  };
}
