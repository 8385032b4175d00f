import type { Doc } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { languageOfPerson, queueAccountMail } from "../accounts/mail";
import { recordForPerson } from "../accounts/trail";
import { addressOf } from "../accounts/verified";

type Account = Pick<Doc<"oauthConnections">, "provider"> & { email?: string | undefined };

/** The provider takes a connection no more: its person is told, once, that they must connect it again. */
export async function tellExpired(
  ctx: MutationCtx,
  connection: Doc<"oauthConnections">,
): Promise<void> {
  const user = await ctx.db.get("users", connection.userId);
  if (!user || user.deletedAt !== undefined) return;
  const changes = [{ field: "provider", after: connection.provider }];
  const nobody = { traceId: "oauth", ip: null, userAgent: null };
  await recordForPerson(ctx, user, { action: "user.account_expired", changes }, nobody);
  await write(ctx, user, "oauth_expired", connection);
}

/** Also who has connected it themselves: that is how they learn of it when it was somebody else. */
export async function tellConnected(
  ctx: MutationCtx,
  user: Doc<"users">,
  account: Account,
): Promise<void> {
  await write(ctx, user, "oauth_connected", account);
}

async function write(
  ctx: MutationCtx,
  user: Doc<"users">,
  template: "oauth_connected" | "oauth_expired",
  { provider, email }: Account,
): Promise<void> {
  const to = addressOf(user);
  if (to === null) return;
  await queueAccountMail(ctx, {
    ...{ userId: user._id, to, language: languageOfPerson(user), template },
    data: { provider, ...(email === undefined ? {} : { email }) },
  });
}
