import { type Infer, v } from "convex/values";
import { internalQuery } from "../_generated/server";
import { emailKey } from "../kit/email";
import { consultationArgs, consultingCaller } from "../kit/outside";
import { otherEmailsOf } from "../ontology/contactMatch";
import { TenantReader } from "../ontology/reader";
import { oauthProviderName } from "../schemas/oauthSchemas";
import { connectionsOf } from "./connections";

const sources = v.object({
  /** The keys of the contact's addresses. */
  emails: v.array(v.string()),
  connections: v.array(
    v.object({
      id: v.id("oauthConnections"),
      provider: oauthProviderName,
      email: v.union(v.string(), v.null()),
      isActive: v.boolean(),
    }),
  ),
});
export type CalendarSources = Infer<typeof sources>;

/** Whose appointments are looked for, in which of the caller's calendars. @throws as any read of the contact */
export const find = internalQuery({
  args: consultationArgs,
  returns: sources,
  handler: async (ctx, args): Promise<CalendarSources> => {
    const caller = await consultingCaller(ctx, args);
    const id = args.request.params.find(([name]) => name === "id")?.[1] ?? "";
    const contact = await new TenantReader(ctx, caller).require("crm_contact", id);
    const { email } = contact.customProperties;
    const emails = [
      ...(email === undefined ? [] : [email]),
      ...otherEmailsOf(contact.customProperties),
    ];
    const connections = caller.kind === "user" ? await connectionsOf(ctx, caller.id) : [];
    return {
      emails: emails.map(emailKey),
      connections: connections
        .filter(({ status }) => status !== "revoked")
        .map(({ _id, provider, email: address = null, status }) => ({
          ...{ id: _id, provider, email: address, isActive: status === "active" },
        })),
    };
  },
});
