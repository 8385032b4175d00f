import { v } from "convex/values";
import * as z from "zod";
import { internal } from "./_generated/api";
import { internalAction } from "./_generated/server";
import { invalid } from "./kit/errors";
import { emailAddress } from "./kit/emailInput";
import { readAs } from "./kit/problems";
import { label } from "./kit/text";
import { once } from "./kit/once";

const credentials = v.object({
  organizationId: v.id("organizations"),
  apiKey: v.string(),
  staff: v.object({ email: v.string(), sessionToken: v.string() }),
});
type Credentials = typeof credentials.type;

const founder = once(() =>
  z.object({
    organization: label(200),
    name: label(100),
    email: emailAddress(),
    password: z
      .string()
      .min(8, "must have at least 8 characters")
      .max(72, "must have at most 72 bytes")
      .optional(),
  }),
);

/**
 * Makes the first organization with its owner and an API key of scope `*`, and shows the credentials
 * this once: `npx convex run bootstrap '{"organization":"Acme","email":"me@acme.test","name":"Me"}'`.
 * The owner's password is kept where one is given, and none is made up: nothing signs in by password
 * yet. Refused (CONFLICT) once there is an organization.
 */
export default internalAction({
  args: {
    organization: v.string(),
    email: v.string(),
    name: v.string(),
    password: v.optional(v.string()),
  },
  returns: credentials,
  handler: async (ctx, args): Promise<Credentials> => {
    const { password, ...owner } = validated(founder(), args);
    const kept =
      password === undefined
        ? {}
        : { passwordHash: await ctx.runAction(internal.passwords.hash, { password }) };
    const made = await ctx.runMutation(internal.tenancy.found, { ...owner, ...kept });
    return credentialsOf(made, owner.email);
  },
});

/** A new key and session for an owner: `npx convex run bootstrap:recover '{"email":"me@acme.test"}'`. */
export const recover = internalAction({
  args: { email: v.string() },
  returns: credentials,
  handler: async (ctx, { email }): Promise<Credentials> => {
    const made = await ctx.runMutation(internal.tenancy.recover, { email });
    return credentialsOf(made, email);
  },
});

function credentialsOf(
  { organizationId, apiKey, sessionToken }: Omit<Credentials, "staff"> & { sessionToken: string },
  email: string,
): Credentials {
  return { organizationId, apiKey, staff: { email, sessionToken } };
}

function validated<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const read = readAs("", schema, value);
  if (read.problems) throw invalid(read.problems);
  return read.data;
}
