import * as z from "zod";
import type { MutationCtx } from "../../_generated/server";
import { incomingWebhook, type Outcome } from "../../kit/incomingWebhook";
import { inWords } from "../../kit/problems";
import { emailAddress } from "../../kit/emailInput";
import {
  applyMembership,
  applyOrganization,
  deleteMembership,
  deleteOrganization,
} from "../../tenants/clerkOrganizations";
import { applyUser, deleteUser } from "../../tenants/clerkUsers";
import { once } from "../../kit/once";

/** https://clerk.com/docs/guides/development/webhooks/overview; shapes as in @clerk/backend. */
const id = once(() => z.string().min(1).max(200));
const time = once(() => z.number());
const person = once(() => ({ first_name: z.string().nullish(), last_name: z.string().nullish() }));
const clerkUser = once(() =>
  z.object({
    ...person(),
    id: id(),
    username: z.string().nullish(),
    primary_email_address_id: z.string().nullish(),
    email_addresses: z.array(
      z.object({
        id: z.string(),
        email_address: z.string(),
        verification: z.object({ status: z.string() }).nullish(),
      }),
    ),
    updated_at: z.number().int().min(0),
  }),
);
const clerkOrganization = once(() => z.object({ id: id(), name: z.string(), updated_at: time() }));
const clerkMembership = once(() =>
  z.object({
    id: id(),
    role: z.string(),
    organization: clerkOrganization().omit({ updated_at: true }),
    public_user_data: z.object({ ...person(), user_id: id() }),
    updated_at: z.number().int().min(0),
  }),
);
const deleted = once(() => z.object({ id: id() }));

const clerkEvent = once(() =>
  z.discriminatedUnion("type", [
    z.object({ type: z.enum(["user.created", "user.updated"]), data: clerkUser() }),
    z.object({ type: z.literal("user.deleted"), data: deleted() }),
    z.object({
      type: z.enum(["organization.created", "organization.updated"]),
      data: clerkOrganization(),
    }),
    z.object({ type: z.literal("organization.deleted"), data: deleted() }),
    z.object({
      type: z.enum(["organizationMembership.created", "organizationMembership.updated"]),
      data: clerkMembership(),
    }),
    z.object({ type: z.literal("organizationMembership.deleted"), data: deleted() }),
  ]),
);
type ClerkEvent = z.output<ReturnType<typeof clerkEvent>>;

const types = once(
  (): ReadonlySet<string> =>
    new Set(
      clerkEvent().options.flatMap(({ shape: { type } }): readonly string[] =>
        "options" in type ? type.options : [...type.values],
      ),
    ),
);

/** One that says something to us, or the type alone of one that does not. */
const anyEvent = once(() =>
  z
    .object({ type: z.string(), data: z.unknown() })
    .transform(({ type, data }, context): ClerkEvent | { type: string } => {
      if (!types().has(type)) return { type };
      const parsed = clerkEvent().safeParse({ type, data }, { error: inWords });
      if (parsed.success) return parsed.data;
      for (const { path, message } of parsed.error.issues) {
        context.issues.push({ code: "custom", path: [...path], message, input: data });
      }
      return z.NEVER;
    }),
);

/** As long as ours may be. */
const MAX_NAME = 200;

export const clerk = incomingWebhook(
  {
    path: "/webhooks/clerk",
    tag: "Incoming webhooks",
    summary: "What Clerk says of users, organizations and their members",
    description:
      "`user.*`, `organization.*` and `organizationMembership.*`, in whatever order they come; other types are recorded and ignored.",
    provider: "clerk",
    secret: { variable: "CLERK_WEBHOOK_SECRET" },
    signature: { scheme: "standard-webhooks" },
    identity: { id: "standard-webhooks" },
    body: anyEvent,
    example: {
      type: "user.created",
      data: {
        id: "user_2xTfGq8Yt0Lw",
        first_name: "Jonas",
        last_name: "Weber",
        primary_email_address_id: "idn_2xTfGq8Yt0Lw",
        email_addresses: [
          {
            id: "idn_2xTfGq8Yt0Lw",
            email_address: "jonas.weber@studio-morgenrot.example",
            verification: { status: "verified" },
          },
        ],
        updated_at: 1_760_430_600_000,
      },
    },
  },
  async (ctx, { eventId }, event): Promise<Outcome> => {
    if ("data" in event) return await apply(ctx, `clerk:${eventId}`, event);
    const note = event.type.startsWith("organizationInvitation.")
      ? "Invites are made here; who accepts one of Clerk's comes as a membership."
      : "Events of this type say nothing to us.";
    return { status: "ignored", note };
  },
);

async function apply(
  ctx: MutationCtx,
  traceId: string,
  { type, data }: ClerkEvent,
): Promise<Outcome> {
  const isCreation = type.endsWith(".created");
  switch (type) {
    case "user.created":
    case "user.updated":
      return await applyUser(ctx, { ...telling(data, isCreation), ...userOf(data) });
    case "user.deleted":
      return await deleteUser(ctx, traceId, data.id);
    case "organization.created":
    case "organization.updated": {
      const name = nameOf(data.name) ?? data.id;
      return await applyOrganization(ctx, traceId, { ...telling(data, isCreation), name });
    }
    case "organization.deleted":
      return await deleteOrganization(ctx, traceId, data.id);
    case "organizationMembership.created":
    case "organizationMembership.updated": {
      const { role, organization, public_user_data: user } = data;
      return await applyMembership(ctx, traceId, {
        ...telling(data, isCreation),
        role,
        organization: { id: organization.id, name: nameOf(organization.name) ?? organization.id },
        user: { id: user.user_id, ...namedAs(user.first_name, user.last_name) },
      });
    }
    case "organizationMembership.deleted":
      return await deleteMembership(ctx, traceId, data.id);
    default:
      return type satisfies never;
  }
}

function telling(
  { id, updated_at: updatedAt }: { id: string; updated_at: number },
  isCreation: boolean,
): { id: string; updatedAt: number; isCreation: boolean } {
  return { id, updatedAt, isCreation };
}

function userOf(user: z.output<ReturnType<typeof clerkUser>>): { name?: string; email?: string } {
  const primary = user.email_addresses.find(({ id }) => id === user.primary_email_address_id);
  const isVerified = primary?.verification?.status === "verified";
  const email = isVerified ? emailAddress().safeParse(primary.email_address).data : undefined;
  const named = namedAs(user.first_name, user.last_name);
  const name = named.name ?? nameOf(user.username ?? "");
  return {
    ...(name === undefined ? {} : { name }),
    ...(email === undefined ? {} : { email }),
  };
}

function namedAs(first?: string | null, last?: string | null): { name?: string } {
  const name = nameOf([first, last].filter(Boolean).join(" "));
  return name === undefined ? {} : { name };
}

/** A name as ours are: of text that can be stored, and not longer than that. */
function nameOf(text: string): string | undefined {
  const name = text.replaceAll("\0", "").trim().slice(0, MAX_NAME).toWellFormed().trim();
  return name === "" ? undefined : name;
}
