import { afterEach, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import type { Doc, Id } from "../../convex/_generated/dataModel";
import { queueEmail, type QueuedEmail } from "../../convex/delivery/queueEmail";
import type { SecretLink } from "../../convex/delivery/secretLink";
import { type Fixture, newBackend } from "../helpers/backend";
import { eventually } from "../helpers/server";

const WEEK = 7 * 24 * 60 * 60 * 1000;
/** What differs from the usual letter. */
type Verification = Partial<
  Pick<QueuedEmail, "to" | "data" | "language"> & { secretLink: SecretLink }
>;

/** An organization whose messages a test watches. Time stands still until the test moves it. */
export type Outbox = Fixture & {
  queue: (email?: Verification) => Promise<Id<"notifications">>;
  /** Everything that is due now, tried; it ends when nothing runs any more. */
  run: () => Promise<void>;
  message: (id: Id<"notifications">) => Promise<Doc<"notifications">>;
};

type Job = { _creationTime: number; state: { kind: string }; scheduledTime: number };

/** Jobs for a later time wait for real time, which no test does: it wakes the sender itself. */
function isDue({ _creationTime, state, scheduledTime }: Job): boolean {
  const isImmediate = scheduledTime <= _creationTime + 1;
  return state.kind === "inProgress" || (state.kind === "pending" && isImmediate);
}

/** Moves the clock; timers stay real, since the provider is real. */
export function moveClock(milliseconds: number): void {
  vi.setSystemTime(Date.now() + milliseconds);
}

export async function openOutbox(env: Record<string, string>): Promise<Outbox> {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 10, 20, 10) });
  // What a test of another file has set: a module's hooks are of the file that has loaded it first.
  for (const name of ["RESEND_API_KEY", "SMTP_URL"]) vi.stubEnv(name, "");
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const fixture = await newBackend();
  const { backend, organizationId } = fixture;
  const message = async (id: Id<"notifications">): Promise<Doc<"notifications">> => {
    const found = await backend.run(async ({ db }) => await db.get("notifications", id));
    if (!found) throw new Error(`Notification ${id} is missing.`);
    return found;
  };
  return {
    ...fixture,
    message,
    queue: async (email = {}) =>
      await backend.run(async (ctx) =>
        queueEmail(ctx, {
          organizationId,
          template: "invite",
          to: "ada@x.test",
          language: "en",
          data: { organization: "Test Studio", recipient: "Ada", inviter: "Mo" },
          secretLink: { url: "https://x.test/invite", expiresAt: Date.now() + WEEK },
          ...email,
        }),
      ),
    run: async () => {
      await backend.mutation(internal.delivery.queue.wake, { organizationId });
      await eventually(
        () =>
          backend.run(async ({ db }) => await db.system.query("_scheduled_functions").collect()),
        (jobs) => !jobs.some(isDue),
      );
    },
  };
}

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});
