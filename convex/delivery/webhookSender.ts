"use node";

import { randomUUID } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { v } from "convex/values";
import { internal } from "../_generated/api";
import { type ActionCtx, internalAction } from "../_generated/server";
import { retryConflicts } from "../kit/http/conflicts";
import { openSecret } from "../kit/secretBox";
import { retryAfterOf } from "../jobs/backoff";
import { ConnectionPool, safePost } from "./safeRequest";
import type { SendJob } from "./webhookClaims";
import type { SendOutcome } from "./webhookOutcomes";

/** So many requests at a time, over all endpoints. */
const ROOM = 64;
/** While requests are under way, how often new work is looked for. */
const LOOK_EVERY_MS = 250;
/** Far below the ten minutes of a Node action on Convex; the next run goes on. */
const RUN_FOR_MS = 4 * 60 * 1000;

/**
 * One run of the sender: it keeps a bounded number of requests under way, and comes for more, with
 * the outcomes of those that ended, whenever one ends. No request waits for another.
 */
export const send = internalAction({
  args: {},
  returns: v.null(),
  handler: async (ctx): Promise<null> => {
    const sender = new Sender(ctx);
    const until = Date.now() + RUN_FOR_MS;
    try {
      while (Date.now() < until) if (await sender.turn()) return null;
      await sender.finish();
      return null;
    } finally {
      sender.close();
    }
  },
});

class Sender {
  private readonly run = randomUUID();
  private readonly underWay = new Map<string, { job: SendJob; done: Promise<void> }>();
  private outcomes: SendOutcome[] = [];
  private readonly pool = new ConnectionPool();

  constructor(private readonly ctx: ActionCtx) {}

  /** Comes for work, begins it, and waits for the first thing to happen; answers whether it is over. */
  async turn(): Promise<boolean> {
    const { jobs, isOver } = await this.exchange();
    for (const job of jobs) this.begin(job);
    if (isOver) await this.finish();
    else if (this.outcomes.length === 0) await this.somethingEnds();
    return isOver;
  }

  private async exchange(): Promise<{ jobs: SendJob[]; isOver: boolean }> {
    const outcomes = this.takeOutcomes();
    const failing = [...this.underWay.values()].filter(({ job }) => job.isFailing).length;
    const args = {
      run: this.run,
      outcomes,
      room: ROOM - this.underWay.size,
      underWay: { all: this.underWay.size, failing },
    };
    return await retryConflicts(() =>
      this.ctx.runMutation(internal.delivery.webhookSending.exchange, args),
    );
  }

  /** Waits for what is under way, tells its outcomes, and gives the role back if it still has it. */
  async finish(): Promise<void> {
    await Promise.all([...this.underWay.values()].map(({ done }) => done));
    const args = { run: this.run, outcomes: this.takeOutcomes() };
    await retryConflicts(() =>
      this.ctx.runMutation(internal.delivery.webhookSending.handOver, args),
    );
  }

  /** Connections are of a run: on Convex its process may end with it. */
  close(): void {
    this.pool.close();
  }

  private begin(job: SendJob): void {
    const done = deliver(job, this.pool).then((outcome) => {
      this.underWay.delete(job.id);
      this.outcomes.push(outcome);
    });
    this.underWay.set(job.id, { job, done });
  }

  private takeOutcomes(): SendOutcome[] {
    const taken = this.outcomes;
    this.outcomes = [];
    return taken;
  }

  private async somethingEnds(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const pause = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LOOK_EVERY_MS);
    });
    await Promise.race([pause, ...[...this.underWay.values()].map(({ done }) => done)]);
    clearTimeout(timer);
  }
}

/** One attempt. It does not throw: whatever happens is its outcome. */
async function deliver(job: SendJob, pool: ConnectionPool): Promise<SendOutcome> {
  const at = Date.now();
  const ended = (rest: Partial<SendOutcome>): SendOutcome => ({
    id: job.id,
    attempt: job.attempt,
    lease: job.lease,
    at,
    durationMs: Date.now() - at,
    ...rest,
  });
  try {
    const { status, retryAfter } = await safePost({
      url: job.url,
      headers: await signedHeaders(job, new Date(at)),
      body: job.body,
      allowPrivate: process.env.WEBHOOK_ALLOW_PRIVATE === "true",
      pool,
    });
    if (status >= 200 && status < 300) return ended({ status });
    const wait = retryAfterOf(retryAfter, Date.now());
    const asked = wait === undefined ? {} : { retryAfter: wait };
    return ended({ status, error: problemOf(status), ...asked });
  } catch (error) {
    return ended({ error: error instanceof Error ? error.message : String(error) });
  }
}

function problemOf(status: number): string {
  return status >= 300 && status < 400
    ? `HTTP ${status}: redirects are not followed.`
    : `HTTP ${status}`;
}

/** Standard Webhooks 1.0; during a rotation both secrets sign, separated by a space. */
async function signedHeaders(job: SendJob, now: Date): Promise<Record<string, string>> {
  const secrets = await Promise.all(job.secrets.map(openSecret));
  const signatures = secrets.map((secret) =>
    new Webhook(secret).sign(job.messageId, now, job.body),
  );
  return {
    "content-type": "application/json",
    "user-agent": "Freehold-Webhooks/1.0",
    "webhook-id": job.messageId,
    "webhook-timestamp": String(Math.floor(now.getTime() / 1000)),
    "webhook-signature": signatures.join(" "),
  };
}
