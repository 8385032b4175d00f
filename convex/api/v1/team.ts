import * as z from "zod";
import { username } from "../../accounts/usernames";
import type { Doc } from "../../_generated/dataModel";
import type { QueryCtx } from "../../_generated/server";
import { requireScope } from "../../kit/caller";
import { emailAddress } from "../../kit/emailInput";
import { created, noContent, ok, readEndpoint, writeEndpoint } from "../../kit/endpoint";
import { hourlyRate } from "../../kit/money";
import { once } from "../../kit/once";
import { invite as inviteTo } from "../../team/inviting";
import { change, membersOf, remove as removeFrom, requireRow, whoseRow } from "../../team/members";
import { requireProjectAction } from "../../team/roles";

const tag = "Projects";
const ofMember = once(() => z.object({ id: z.string(), userId: z.string() }));
const role = once(() => z.enum(["lead", "member", "observer"]));

const teamMember = once(() =>
  z
    .object({
      userId: z.string().nullable(),
      inviteId: z.string().nullable(),
      name: z.string().nullable(),
      email: z.string().nullable().meta({ description: "Null of one invited by username." }),
      username: z.string().nullable(),
      role: role(),
      status: z.enum(["active", "invited"]),
      hourlyRateInCents: z.number().int().nullable(),
      joinedAt: z.number().nullable(),
      inviteExpiresAt: z.number().nullable(),
    })
    .meta({ id: "TeamMember" }),
);

export const list = readEndpoint(
  {
    method: "GET",
    path: "/projects/:id/team",
    tag,
    summary: "List a project's team",
    description: "At most 100: its members, then who is invited; an invite that has expired, too.",
    scope: "projects:read",
    subject: "project",
    answers: { 200: () => z.array(teamMember()) },
  },
  async (ctx, { subject }) =>
    ok(await Promise.all((await membersOf(ctx, subject)).map((row) => view(ctx, row)))),
);

export const invite = writeEndpoint(
  {
    method: "POST",
    path: "/projects/:id/team/invite",
    tag,
    summary: "Invite somebody to a project",
    description:
      "By e-mail or username. A member of the organization is in at once; somebody else is invited to organization (as member) and project, and is in both when they accept.",
    scope: "projects:write",
    subject: "project",
    body: () =>
      z
        .strictObject({
          email: emailAddress().optional(),
          username: username().optional(),
          role: role().optional().meta({ description: "`member` by default." }),
        })
        .refine(({ email, username }) => (email === undefined) !== (username === undefined), {
          error: "Give either email or username.",
        }),
    example: { email: "jonas.weber@studio-morgenrot.example", role: "member" },
    answers: { 201: teamMember },
    errors: ["FORBIDDEN", "CONFLICT", "TIER_LIMIT_EXCEEDED"],
  },
  async (ctx, { subject, body }) => {
    await requireProjectAction(ctx, ctx.scope, subject, "invite");
    const { email = "", username, role = "member" } = body;
    const invitee = username === undefined ? { email } : { username };
    const { store, organization } = ctx;
    return created(
      await view(ctx, await inviteTo({ ctx, store, organization }, subject, { invitee, role })),
    );
  },
);

export const update = writeEndpoint(
  {
    method: "PATCH",
    path: "/projects/:id/team/:userId",
    tag,
    summary: "Change a member's role or hourly rate",
    description:
      "Of who is invited, by `inviteId`. To hand over the lead, make somebody else lead first, and then change the own role.",
    scope: "projects:write",
    subject: "project",
    params: ofMember,
    body: () =>
      z.strictObject({
        role: role().optional(),
        hourlyRateInCents: hourlyRate().nullable().optional(),
      }),
    example: { hourlyRateInCents: 9500 },
    answers: { 200: teamMember },
    errors: ["FORBIDDEN", "NOT_FOUND", "CONFLICT"],
  },
  async (ctx, { subject, params, body }) => {
    await requireProjectAction(ctx, ctx.scope, subject, "change roles and rates");
    const row = await requireRow(ctx, subject, params.userId);
    const { store, organization } = ctx;
    const { role, hourlyRateInCents } = body;
    const changed = await change({ ctx, store, organization }, subject, row, {
      ...(role === undefined ? {} : { role }),
      ...(hourlyRateInCents === undefined ? {} : { hourlyRateInCents }),
    });
    return ok(await view(ctx, changed));
  },
);

export const remove = writeEndpoint(
  {
    method: "DELETE",
    path: "/projects/:id/team/:userId",
    tag,
    summary: "Remove a member of a project, or leave it",
    description:
      "Of who is invited, by `inviteId`. The last lead cannot go. Others are removed with `projects:write`; who sees the project can leave it.",
    scope: "projects:read",
    subject: "project",
    params: ofMember,
    answers: { 204: null },
    errors: ["FORBIDDEN", "NOT_FOUND", "CONFLICT"],
  },
  async (ctx, { subject, params }) => {
    const row = await requireRow(ctx, subject, params.userId);
    const action = row.userId === ctx.caller.id ? "leave" : "remove";
    if (action === "remove") requireScope(ctx.caller, "projects:write");
    await requireProjectAction(ctx, ctx.scope, subject, action);
    const { store, organization } = ctx;
    await removeFrom({ ctx, store, organization }, subject, row);
    return noContent;
  },
);

async function view(
  ctx: QueryCtx,
  row: Doc<"projectMembers">,
): Promise<z.input<ReturnType<typeof teamMember>>> {
  const { name, email, username, inviteExpiresAt } = await whoseRow(ctx, row);
  return {
    userId: row.userId ?? null,
    inviteId: row.inviteId ?? null,
    ...{ name, email, username, role: row.role },
    status: row.status === "invited" ? "invited" : "active",
    hourlyRateInCents: row.hourlyRateInCents ?? null,
    joinedAt: row.joinedAt ?? null,
    inviteExpiresAt,
  };
}
