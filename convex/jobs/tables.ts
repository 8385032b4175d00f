/** The tables whose rows are jobs: each has `jobFields` and the index `by_job`. */
export const JOB_TABLES = [
  "notifications",
  "accountMails",
  "profileExports",
  "accountRemovals",
  "webhookDeliveries",
  "paymentLinks",
  "incomingEvents",
  "attachments",
  "contactImports",
  "contactMerges",
  "erasures",
  "rekeyings",
  "reminderRuns",
  "templateJobs",
  "oauthConnections",
] as const;
export type JobTable = (typeof JOB_TABLES)[number];
