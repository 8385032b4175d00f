import { cronJobs } from "convex/server";
import { internal } from "./_generated/api";

const crons = cronJobs();

// Writes schedule folds by chance; this one takes up what the last of them left.
crons.interval("fold counts", { minutes: 1 }, internal.maintenance.foldCounts, {});
crons.interval("seal the audit trail", { seconds: 30 }, internal.audit.sealing.sealAll, {});
crons.daily(
  "forget the audit trail",
  { hourUTC: 4, minuteUTC: 10 },
  internal.audit.forgetting.forgetAll,
  { cursor: null },
);
crons.interval("clean up", { hours: 1 }, internal.maintenance.cleanUp, {});
// At five past, so that a day that begins on the hour has begun.
crons.hourly("invoicing", { minuteUTC: 5 }, internal.invoicingJobs.round, { cursor: null });
crons.interval("clean up after the CRM", { hours: 1 }, internal.crmMaintenance.cleanUp, {});
crons.interval("make old keys anew", { minutes: 1 }, internal.rekeying.wake, {});
crons.daily("integrity", { hourUTC: 3, minuteUTC: 35 }, internal.integrityJobs.checkAll, {});
// After the round that marks invoices as overdue.
crons.hourly("reminders", { minuteUTC: 15 }, internal.delivery.reminderJobs.round, {
  cursor: null,
});
crons.interval("remind of tasks", { minutes: 1 }, internal.tasks.reminders.sweep, {});
crons.daily(
  "clean up notifications",
  { hourUTC: 2, minuteUTC: 25 },
  internal.delivery.retention.cleanUp,
  {},
);
crons.interval("forget links", { hours: 1 }, internal.delivery.retention.forgetLinks, {});
crons.interval("clean up account mails", { hours: 1 }, internal.accounts.mailRetention.cleanUp, {});
crons.interval("recover jobs", { minutes: 1 }, internal.jobs.recovery.sweep, {});
// A file that somebody asks for before is made at once.
crons.interval("files of issued documents", { seconds: 10 }, internal.delivery.issued.wake, {});
crons.interval("clean up documents", { hours: 1 }, internal.delivery.documentFiles.cleanUp, {});
crons.interval("clean up deliveries", { hours: 1 }, internal.delivery.maintenance.cleanUp, {});

crons.interval("clean up after accounts", { hours: 1 }, internal.accounts.retention.cleanUp, {});
crons.interval("clean up exports", { hours: 1 }, internal.accounts.exportJobs.cleanUp, {});
crons.interval("clean up after sync", { hours: 1 }, internal.sync.tombstones.cleanUp, {});

crons.interval("clean up after sign-ins", { hours: 1 }, internal.oauth.retention.cleanUp, {});

crons.interval("clean up attachments", { hours: 1 }, internal.attachments.removal.cleanUp, {});
crons.interval("clean up stored files", { hours: 1 }, internal.attachments.sweep.sweep, {});

export default crons;
