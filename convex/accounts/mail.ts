import type { Infer } from "convex/values";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import type { Language } from "../delivery/letters";
import { languageOf as languageOfLocale } from "../delivery/printed/wording";
import { configuredFor } from "../delivery/providers/configured";
import type { SecretLink } from "../delivery/secretLink";
import { NEVER, newJob } from "../jobs/job";
import { sealSecret } from "../kit/secretBox";
import { sha256Hex } from "../kit/tokens";
import type {
  accountMailData,
  linkTemplate,
  noticeTemplate,
  secondFactorChange,
} from "../schemas/accountMailSchemas";
import { tokenOfLink } from "./links";

export type AccountMail = Doc<"accountMails">;
export type AccountMailData = Infer<typeof accountMailData>;
export type LinkTemplate = Infer<typeof linkTemplate>;
type NoticeTemplate = Infer<typeof noticeTemplate>;
export type SecondFactorChange = Infer<typeof secondFactorChange>;

/** A letter that says what has happened is news so long; one with a link, while the link is good. */
const NEWS_FOR_MS = 7 * 24 * 60 * 60 * 1000;

type NoticeData = {
  email_change_notice: { email: string };
  email_changed: { email: string };
  password_changed: object;
  new_device: { userAgent?: string; ip?: string };
  session_reuse: { userAgent?: string; ip?: string };
  codes_locked: { userAgent?: string; ip?: string };
  second_factor_changed: { change: SecondFactorChange };
  account_deleted: object;
  accounts_joined: { email?: string };
  oauth_connected: { provider: "microsoft" | "google"; email?: string };
  oauth_expired: { provider: "microsoft" | "google"; email?: string };
};

type QueuedAccountMail = {
  /** Whose account it is about; a letter with a link is for the addresses of that account alone. */
  userId: Id<"users">;
  to: string;
  language: Language;
} & (
  | { template: LinkTemplate; secretLink: SecretLink }
  | {
      [Template in NoticeTemplate]: {
        template: Template;
        /** `at`: when it happened, where that is not now (ms since 1970). */
        data: NoticeData[Template] & { at?: number };
      };
    }[NoticeTemplate]
);

/** The language of a person's letters; English where their locale says nothing else. */
export function languageOfPerson({ locale }: Pick<Doc<"users">, "locale">): Language {
  return languageOfLocale(locale ?? "en");
}

/**
 * Queues a letter to a person about their account, in the caller's transaction: it goes out if that
 * commits, and not otherwise. The token of a link stands in no data, and its row in `oneTimeTokens` is
 * written in the same transaction: the letter is sent while that token is the latest of its purpose.
 *
 *     await queueAccountMail(ctx, {
 *       userId, to: email, language: languageOfPerson(user), template: "password_reset",
 *       secretLink: { url: accountLink("reset-password", token), expiresAt },
 *     });
 */
export async function queueAccountMail(
  ctx: MutationCtx,
  mail: QueuedAccountMail,
): Promise<Id<"accountMails">> {
  const now = Date.now();
  const { userId, to, template, language } = mail;
  const link = "secretLink" in mail ? mail.secretLink : undefined;
  const goodUntil = link?.expiresAt ?? now + NEWS_FOR_MS;
  const configured = configuredFor("email");
  const isHeld = "missing" in configured;
  const job = newJob(isHeld ? NEVER : now, { deadline: goodUntil });
  const id = await ctx.db.insert("accountMails", {
    ...{ userId, to, template, language, goodUntil },
    data: "data" in mail ? mail.data : {},
    ...(link === undefined
      ? {}
      : { secretUrl: await sealSecret(link.url), tokenHash: sha256Hex(tokenOfLink(link.url)) }),
    attempts: [],
    job: isHeld ? { ...job, error: configured.missing } : job,
    createdAt: now,
  });
  if (!isHeld) await ctx.scheduler.runAfter(0, internal.accounts.mailQueue.wake, {});
  return id;
}
