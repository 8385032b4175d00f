// @vitest-environment node
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, expect, test } from "vitest";
import { clockAhead, eventually } from "../helpers/server";
import { type Site, startSite } from "../helpers/site";
import { invoice } from "../invoicing/books";
import { startSmtp } from "./smtpServer";

/**
 * Mails under way when the process ends, by real processes and a real mail server: enough for some that
 * wait, some whose PDF is being made, and some that are being handed over.
 */
const MAILS = {
  SIGKILL: Number(process.env.MAILS ?? 8),
  SIGTERM: Number(process.env.MAILS ?? 6),
};
const MINUTE = 60_000;
const STARTS_MS = 240_000;
/** At a start they leave within a minute; a busy machine is given more. */
const SETTLED_MS = 150_000;

const ends: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

type Shown = { id: string; status: string; reason: string | null };

async function listed(site: Site): Promise<Shown[]> {
  const answer = await site.request("GET", "/notifications?channel=email&limit=200");
  return answer.body.data as unknown as Shown[];
}

async function send(site: Site, to: string): Promise<void> {
  const created = await site.request("POST", "/invoices", { body: invoice() });
  const sending = `/invoices/${created.body.data.id}/send`;
  const sent = await site.request("POST", sending, { body: { to } });
  expect(sent.status, sent.text).toBe(200);
}

const isSettled = ({ status }: Shown): boolean => status !== "queued" && status !== "sending";

for (const signal of ["SIGKILL", "SIGTERM"] as const) {
  test(
    `${signal} among ${MAILS[signal]} mails loses none and doubles none: unknown are at most those that were asked for`,
    { timeout: STARTS_MS },
    async () => {
      const smtp = await startSmtp();
      ends.push(smtp.close);
      const data = await mkdtemp(path.join(tmpdir(), "freehold-mails-"));
      ends.push(() => rm(data, { recursive: true, force: true }));
      const env = { SMTP_URL: smtp.url, EMAIL_FROM: "mail@studio.test" };
      const first = await startSite({ data, env });
      ends.push(() => first.server.kill());
      for (let i = 0; i < MAILS[signal]; i++) await send(first, `m${i}@x.test`);
      await eventually(
        () => smtp.mails.length,
        (taken) => taken >= 3,
        60_000,
      );
      const before = { open: smtp.open(), opened: smtp.opened };
      if (signal === "SIGKILL") await first.server.kill();
      else await first.server.stop();
      // Whoever may have been asked stood in a connection.
      const asked = before.open + smtp.opened - before.opened;

      // The job that looks for what was cut off is due at once then, and no lease has run out.
      const second = await startSite({ data, env: { ...env, ...clockAhead(MINUTE) } });
      ends.push(() => second.server.kill());
      const messages = await eventually(
        () => listed(second),
        (all) => all.length === MAILS[signal] && all.every(isSettled),
        SETTLED_MS,
      );
      const unknown = messages.filter(({ status }) => status === "unknown");
      const sent = messages.filter(({ status }) => status === "sent");
      expect(sent.length + unknown.length).toBe(MAILS[signal]);
      expect(unknown.length).toBeLessThanOrEqual(asked);
      const arrivals = new Map<string, number>();
      for (const mail of smtp.mails) {
        const id = /^X-Freehold-Notification: (.*)$/im.exec(mail)?.[1]?.trim() ?? "";
        arrivals.set(id, (arrivals.get(id) ?? 0) + 1);
      }
      expect([...arrivals.values()].filter((count) => count !== 1)).toEqual([]);
      for (const { id } of sent) expect(arrivals.get(id)).toBe(1);
    },
  );
}
