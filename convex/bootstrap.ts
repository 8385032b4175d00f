import { v } from "convex/values";
import * as z from "zod";
import { internal } from "./_generated/api";
import { internalAction } from "./_generated/server";
import { newPassword } from "./accounts/passwordInput";
import { invalid } from "./kit/errors";
import { emailAddress } from "./kit/emailInput";
import { readAs } from "./kit/problems";
import { label } from "./kit/text";
import { once } from "./kit/once";

const credentials = v.object({
  organizationId: v.id("organizations"),
  apiKey: v.string(),
  staff: v.object({ email: v.string(), password: v.string(), sessionToken: v.string() }),
});
type Credentials = typeof credentials.type;

const founder = once(() =>
  z.object({
    organization: label(200),
    name: label(100),
    email: emailAddress(),
    password: newPassword(),
  }),
);

/**
 * Makes the first organization with its owner and an API key of scope `*`, and shows the credentials
 * this once: `npx convex run bootstrap '{"organization":"Acme","email":"me@acme.test","name":"Me"}'`.
 * A password that is not given is made up; POST /api/v1/auth/login takes it. Refused (CONFLICT) once there
 * is an organization.
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
    const { password, ...owner } = validated(founder(), { password: madeUp(), ...args });
    const hashed = await ctx.runAction(internal.accounts.passwordActions.hash, { password });
    const made = await ctx.runMutation(internal.tenancy.found, { ...owner, passwordHash: hashed });
    return credentialsOf(made, owner.email, password);
  },
});

/**
 * A new key, session and password for an owner, whose other sessions end:
 * `npx convex run bootstrap:recover '{"email":"me@acme.test"}'`.
 */
export const recover = internalAction({
  args: { email: v.string() },
  returns: credentials,
  handler: async (ctx, { email }): Promise<Credentials> => {
    const password = madeUp();
    const passwordHash = await ctx.runAction(internal.accounts.passwordActions.hash, { password });
    const made = await ctx.runMutation(internal.tenancy.recover, { email, passwordHash });
    return credentialsOf(made, email, password);
  },
});

function credentialsOf(
  { organizationId, apiKey, sessionToken }: Omit<Credentials, "staff"> & { sessionToken: string },
  email: string,
  password: string,
): Credentials {
  return { organizationId, apiKey, staff: { email, password, sessionToken } };
}

/** 128 random bits, and what the rules of passwords ask for. */
function madeUp(): string {
  return `${crypto.randomUUID().replaceAll("-", "")}A1`;
}

function validated<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const read = readAs("", schema, value);
  if (read.problems) throw invalid(read.problems);
  return read.data;
}
