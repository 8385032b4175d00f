import { exportKind } from "../accounts/exportKind";
import { accountMailKind } from "../accounts/mailKind";
import { removalKind } from "../accounts/removalKind";
import { bucketKind } from "../attachments/bucketKind";
import { erasureKind, importKind, mergeKind, rekeyingKind } from "../crmKinds";
import { mailKind } from "../delivery/mailKind";
import { reminderKind } from "../delivery/reminderKind";
import { webhookKind } from "../delivery/webhookKind";
import { incomingKind } from "../kit/incomingJob";
import { revocationKind } from "../oauth/revocationKind";
import { linkKind } from "../payments/linkJob";
import { templateKind } from "../templates/kind";
import type { JobKind } from "./kind";

/** Every kind of job: what recovery looks through, and administrators see. */
export const JOB_KINDS: readonly JobKind[] = [
  mailKind,
  accountMailKind,
  exportKind,
  removalKind,
  webhookKind,
  linkKind,
  incomingKind,
  bucketKind,
  importKind,
  mergeKind,
  erasureKind,
  rekeyingKind,
  reminderKind,
  templateKind,
  revocationKind,
];

export function kindNamed(name: string): JobKind | undefined {
  return JOB_KINDS.find((kind) => kind.name === name);
}
