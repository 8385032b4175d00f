import * as z from "zod";
import { once } from "../kit/once";
import type { Job } from "../schemas/jobSchemas";
import { isOpen } from "./job";

/** A job as its owner is shown it, whatever it does. */
export const jobRecord = once(() =>
  z
    .object({
      id: z.string(),
      kind: z.string(),
      status: z.enum([
        ...["queued", "running", "succeeded", "failed", "unknown", "cancelled", "expired"],
      ] as const),
      attempts: z.number().int(),
      progress: z.number().min(0).max(1),
      log: z.array(z.object({ at: z.number(), text: z.string() })),
      error: z.object({ code: z.string(), message: z.string() }).nullable(),
      createdAt: z.number(),
      startedAt: z.number().nullable(),
      finishedAt: z.number().nullable(),
    })
    .meta({ id: "Job" }),
);

/** What exactly, operators see by the job's id (jobs/administration): it may tell of our insides. */
const FAILED = "It has failed on our side. Quote the job's id when you ask about it.";

type Shown = {
  _id: string;
  job: Job;
  log: { at: number; text: string }[];
  startedAt?: number | undefined;
  createdAt: number;
};

export function jobView(
  kind: string,
  { _id: id, job, log, startedAt, createdAt }: Shown,
): z.input<ReturnType<typeof jobRecord>> {
  const { state: status, attempts, error, at } = job;
  return {
    ...{ id, kind, status, attempts, log, createdAt },
    progress: status === "succeeded" ? 1 : shareOf(job),
    error: error === undefined ? null : { code: "INTERNAL_ERROR", message: FAILED },
    startedAt: startedAt ?? null,
    finishedAt: isOpen(job) ? null : at,
  };
}

function shareOf({ progress }: Job): number {
  if (progress?.total === undefined || progress.total === 0) return 0;
  return Math.min(1, progress.done / progress.total);
}
