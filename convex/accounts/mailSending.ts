"use node";

import { v } from "convex/values";
import { internal } from "../_generated/api";
import type { Id } from "../_generated/dataModel";
import { type ActionCtx, internalAction } from "../_generated/server";
import { asMailbox, type MailWay, openMailWay } from "../delivery/providers/mailWay";
import { type Email, type Failure, shortError } from "../delivery/providers/message";
import { openLink } from "../delivery/secretLink";
import { accountLetter } from "./letters";
import type { MailPreparation, MailWork } from "./mailQueue";

/**
 * One attempt to send a letter about an account. Everything that can fail, or be cut off, without
 * anybody having been asked comes first: the link, the connection. Then the attempt begins.
 */
export const deliver = internalAction({
  args: { mailId: v.id("accountMails"), lease: v.number() },
  returns: v.null(),
  handler: async (ctx, args): Promise<null> => {
    const at = Date.now();
    const preparation: MailPreparation | null = await ctx.runMutation(
      internal.accounts.mailQueue.prepare,
      args,
    );
    if (!preparation) return null;
    const { provider } = preparation;
    const prepared = await prepare(preparation);
    if ("kind" in prepared) {
      const short = { ...args, provider, at, outcome: prepared };
      await ctx.runMutation(internal.accounts.mailQueue.fallShort, short);
      return null;
    }
    try {
      await makeAttempt(ctx, { ...args, provider }, prepared);
    } finally {
      prepared.way.close();
    }
    return null;
  },
});

type Prepared = { way: MailWay; url: string | undefined };
type Attempt = Pick<MailPreparation, "provider"> & { mailId: Id<"accountMails">; lease: number };

async function prepare({ provider, to, secretUrl }: MailPreparation): Promise<Prepared | Failure> {
  let url: string | undefined;
  try {
    url = await openLink(secretUrl);
  } catch (thrown) {
    // A key that was changed can be changed back.
    return { kind: "retry", error: shortError(String(thrown)) };
  }
  const way = await openMailWay(provider, to);
  return "kind" in way ? way : { way, url };
}

async function makeAttempt(
  ctx: ActionCtx,
  attempt: Attempt,
  { way, url }: Prepared,
): Promise<void> {
  const work: MailWork | null = await ctx.runMutation(internal.accounts.mailQueue.begin, attempt);
  if (!work) return;
  const { mailId, lease } = attempt;
  const outcome = await way.ask(emailOf(mailId, work, url));
  await ctx.runMutation(internal.accounts.mailQueue.settle, { mailId, lease, outcome });
}

function emailOf(id: string, work: MailWork, url: string | undefined): Email {
  const { key, said, to } = work;
  return {
    ...{ id, key, from: said.from, to: asMailbox(to), files: [] },
    letter: accountLetter(work, url),
  };
}
