import { afterEach, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import type { Doc, Id } from "../../convex/_generated/dataModel";
import type { MutationCtx } from "../../convex/_generated/server";
import { accountLink } from "../../convex/accounts/links";
import { queueAccountMail } from "../../convex/accounts/mail";
import type { JobView } from "../../convex/jobs/administration";
import { sha256Hex } from "../../convex/kit/tokens";
import { type Fixture, newBackend } from "../helpers/backend";
import { eventually } from "../helpers/server";

export const HOUR = 60 * 60 * 1000;
export const TOKEN = "fh_reset_very-secret";
type Mail = Doc<"accountMails">;
type Reset = { token?: string; to?: string; expiresIn?: number; email?: string };

/** A person whose letters a test watches. Time stands still until the test moves it. */
export type Mails = Fixture & {
  userId: Id<"users">;
  /** A link to choose a new password, with its token. */
  reset: (how?: Reset) => Promise<Id<"accountMails">>;
  /** Everything that is due now, tried; it ends when nothing runs any more. */
  run: () => Promise<void>;
  sweep: () => Promise<void>;
  mail: (id: Id<"accountMails">) => Promise<Mail>;
  change: (fields: Partial<Doc<"users">>) => Promise<void>;
  listed: (status: JobView["status"]) => Promise<JobView[]>;
};

export async function openMails(env: Record<string, string>): Promise<Mails> {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 10, 20, 10) });
  vi.stubEnv("APP_URL", "https://app.test/");
  vi.stubEnv("RESEND_API_KEY", "");
  vi.stubEnv("SMTP_URL", "");
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const fixture = await newBackend();
  const { backend } = fixture;
  const userId = await backend.run(async ({ db }) =>
    db.insert("users", {
      ...{ name: "Ada", email: "ada@x.test", emailKey: "ada@x.test", timeZone: "Europe/Berlin" },
      ...{ isPlatformAdmin: false, createdAt: Date.now() },
    }),
  );
  const settled = async (): Promise<void> => {
    await eventually(
      () => backend.run(async ({ db }) => await db.system.query("_scheduled_functions").collect()),
      (jobs) =>
        !jobs.some(({ _creationTime, state, scheduledTime }) => {
          const isImmediate = scheduledTime <= _creationTime + 1;
          return state.kind === "inProgress" || (state.kind === "pending" && isImmediate);
        }),
    );
  };
  return {
    ...fixture,
    userId,
    reset: async (how) => await backend.run(async (ctx) => await queueReset(ctx, userId, how)),
    run: async () => {
      await backend.mutation(internal.accounts.mailQueue.wake, {});
      await settled();
    },
    sweep: async () => {
      await backend.mutation(internal.jobs.recovery.sweep, {});
      await settled();
    },
    mail: async (id) => {
      const found = await backend.run(async ({ db }) => await db.get("accountMails", id));
      if (!found) throw new Error(`Mail ${id} is missing.`);
      return found;
    },
    change: async (fields) => {
      await backend.run(async ({ db }) => {
        await db.patch("users", userId, fields);
      });
    },
    listed: async (status) => {
      const args = { kind: "account mail", status, cursor: null, limit: 10 };
      return (await backend.query(internal.jobs.administration.list, args)).jobs;
    },
  };
}

async function queueReset(
  ctx: MutationCtx,
  userId: Id<"users">,
  { token = TOKEN, to = "ada@x.test", expiresIn = HOUR, email }: Reset = {},
): Promise<Id<"accountMails">> {
  const now = Date.now();
  const expiresAt = now + expiresIn;
  await ctx.db.insert("oneTimeTokens", {
    ...{
      purpose: "reset_password",
      tokenHash: sha256Hex(token),
      userId,
      createdAt: now,
      expiresAt,
    },
    ...(email === undefined ? {} : { email }),
  });
  const secretLink = { url: accountLink("reset-password", token), expiresAt };
  return await queueAccountMail(ctx, {
    ...{ userId, to, template: "password_reset", language: "en", secretLink },
  });
}

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});
