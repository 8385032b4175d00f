import * as z from "zod";
import { recordForPerson } from "../../accounts/trail";
import { noContent, ok } from "../../kit/endpoint";
import { once } from "../../kit/once";
import { personalReadEndpoint, personalWriteEndpoint } from "../../kit/personalEndpoint";
import { type Connection, connectionsOf, requireConnection } from "../../oauth/connections";
import { disconnect } from "../../oauth/disconnecting";

const tag = "Accounts";

const record = once(() =>
  z
    .object({
      id: z.string(),
      provider: z.enum(["microsoft", "google"]),
      email: z.string().nullable(),
      scopes: z.array(z.string()).meta({ description: "What the provider has granted." }),
      status: z.enum(["active", "expired", "revoked"]).meta({
        description:
          "`expired`: the provider takes it no more, connect it again. `revoked`: it was disconnected, and the provider has yet to take that; it is gone when it has.",
      }),
      connectedAt: z.number(),
      lastSuccessAt: z.number().nullable(),
      lastError: z.string().nullable(),
    })
    .meta({ id: "Connection" }),
);

export const list = personalReadEndpoint(
  {
    method: "GET",
    path: "/auth/connections",
    tag,
    summary: "List the accounts at Microsoft and Google that the caller has connected",
    description: "One is connected at `/auth/oauth/:provider/start?purpose=connect`.",
    answers: { 200: () => z.array(record()) },
  },
  async (ctx) => ok((await connectionsOf(ctx, ctx.person._id)).map(connectionView)),
);

export const remove = personalWriteEndpoint(
  {
    method: "DELETE",
    path: "/auth/connections/:id",
    tag,
    summary: "Disconnect an account",
    description:
      "Nothing is sent or read with it from now on, and it signs nobody in any more; its grant is taken back at the provider too, as soon as that answers.",
    params: () => z.object({ id: z.string() }),
    answers: { 204: null },
    errors: ["NOT_FOUND"],
  },
  async (ctx, { params }) => {
    const connection = await requireConnection(ctx, ctx.person._id, params.id);
    await disconnect(ctx, ctx.person, connection);
    const changes = [{ field: "provider", before: connection.provider }];
    const happening = { action: "user.account_disconnected", changes };
    await recordForPerson(ctx, ctx.person, happening, ctx.request);
    return noContent;
  },
);

function connectionView(connection: Connection): z.input<ReturnType<typeof record>> {
  const { _id: id, provider, scopes, status, connectedAt } = connection;
  const { email = null, lastSuccessAt = null, lastError = null } = connection;
  return { id, provider, email, scopes, status, connectedAt, lastSuccessAt, lastError };
}
