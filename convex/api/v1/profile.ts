import * as z from "zod";
import { beginExport, type DataExport, requireExport } from "../../accounts/dataExport";
import { deleteAccount, requirePasswordGiven } from "../../accounts/leaving";
import { personCheck } from "../../accounts/passwordFindings";
import { givenPassword } from "../../accounts/passwordInput";
import { refusalOfOwnPassword } from "../../accounts/passwordRules";
import { changeProfile, profile, profileChange, profileOf } from "../../accounts/profile";
import { requireProvenFactor } from "../../accounts/secondFactors";
import { COPY_NAME } from "../../attachments/downloads";
import type { DownloadSource } from "../../attachments/downloadLink";
import { newJob } from "../../jobs/job";
import { jobRecord, jobView } from "../../jobs/view";
import { created, ok } from "../../kit/endpoint";
import { once } from "../../kit/once";
import { personalReadEndpoint, personalWriteEndpoint } from "../../kit/personalEndpoint";

/** What belongs to a person rather than to an organization. docs/accounts.md. */

const tag = "Accounts";

export const get = personalReadEndpoint(
  {
    method: "GET",
    path: "/profile",
    tag,
    summary: "Get one's profile",
    answers: { 200: profile },
    finishes: "avatar",
  },
  async (ctx) => ok(await profileOf(ctx, ctx.person)),
);

export const update = personalWriteEndpoint(
  {
    method: "PATCH",
    path: "/profile",
    tag,
    summary: "Change one's profile",
    description:
      "Any part of it; `null` takes the username or the picture away. A username is one person's in the whole deployment, whatever its case. The e-mail has a way of its own: POST /auth/change-email.",
    body: profileChange,
    example: { username: "mara-winter", timeZone: "Europe/Berlin", preferences: { theme: "dark" } },
    answers: { 200: profile },
    errors: ["CONFLICT", "NOT_FOUND", "INVALID_STATE", "REAUTHENTICATION_REQUIRED"],
    finishes: "avatar",
  },
  async (ctx, { body }) => {
    // A picture is a file of an organization, which is shown then.
    if (body.avatarAttachmentId) await requireProvenFactor(ctx, ctx.person, ctx.session);
    const changed = await changeProfile(ctx, ctx.person, body, ctx.request);
    return ok(await profileOf(ctx, changed));
  },
);

export const remove = personalWriteEndpoint(
  {
    method: "POST",
    path: "/profile/delete",
    tag,
    summary: "Delete one's account",
    description:
      "For good: nobody can bring it back. Ends all sessions and memberships; address, username, picture, ways to sign in, connections, settings, inbox and letters are deleted. What one has done in organizations stays there, under one's name. `password` where the account has one. The last owner of an organization cannot go: 409 names the organizations. Ends in the letter `account_deleted`.",
    body: () =>
      z.strictObject({ password: givenPassword().optional(), confirm: z.literal("delete") }),
    example: { password: "Lindenallee-47-Nord", confirm: "delete" },
    answers: { 200: () => z.null() },
    errors: ["INVALID_CREDENTIALS", "ACCOUNT_LOCKED", "CONFLICT", "REAUTHENTICATION_REQUIRED"],
    consults: personCheck,
    triesTokens: true,
    takesSecret: true,
    needsRecentSignIn: true,
  },
  async (ctx, { body, consulted }) => {
    const { person, request } = ctx;
    requirePasswordGiven(person, body.password);
    if (person.passwordHash !== undefined) {
      const refusal = await refusalOfOwnPassword(ctx, person, consulted, request);
      if (refusal) return refusal;
    }
    await deleteAccount(ctx, person, { request, scopeIn: (id) => ctx.scopeIn(id) });
    return { ...ok(null), cookie: "ended" as const };
  },
);

const exported = once(() =>
  jobRecord().extend({
    result: z
      .object({
        fileName: z.string(),
        size: z.number().int().meta({ description: "Bytes." }),
        sha256: z.string().meta({ description: "Hex, of the bytes." }),
        availableUntil: z.number(),
        downloadUrl: z.string().meta({ description: "Good for five minutes." }),
        expiresAt: z.number().nullable(),
      })
      .nullable()
      .meta({ description: "Null until it is done." }),
  }),
);

export const startExport = personalWriteEndpoint(
  {
    method: "POST",
    path: "/profile/export",
    tag,
    summary: "Ask for a copy of what is held of oneself",
    description:
      "A job gathers it into one file of JSON, which is there for a day: profile, memberships, sessions, devices, accounts one signs in with, connections, notification settings, inbox, letters, and what one has done in the organizations that one belongs to (what, when and from where). One that is under way is answered rather than another begun; at most five of a day are kept.",
    answers: { 201: exported },
    errors: ["CONFLICT", "REAUTHENTICATION_REQUIRED"],
    finishes: "resultLink",
  },
  async (ctx) => {
    await requireProvenFactor(ctx, ctx.person, ctx.session);
    return created(exportView(await beginExport(ctx, ctx.person._id)));
  },
);

export const getExport = personalReadEndpoint(
  {
    method: "GET",
    path: "/profile/exports/:id",
    tag,
    summary: "Get a copy of what is held of oneself, and how far it is",
    description: "Once its day is over it is EXPORT_NOT_FOUND.",
    params: () => z.object({ id: z.string() }),
    answers: { 200: exported },
    errors: ["NOT_FOUND"],
    finishes: "resultLink",
  },
  async (ctx, { params }) => ok(exportView(await requireExport(ctx, ctx.person._id, params.id))),
);

type ExportView = ReturnType<typeof jobView> & {
  result: {
    fileName: string;
    size: number;
    sha256: string;
    availableUntil: number;
    from: DownloadSource;
  } | null;
};

function exportView(row: DataExport): ExportView {
  const { _id: id, createdAt, expiresAt: availableUntil, storageId, linkSecret } = row;
  const { size = 0, sha256 = "", job = newJob(createdAt) } = row;
  const from = { place: "deployment", id, linkSecret } as const;
  const result =
    storageId === undefined ? null : { fileName: COPY_NAME, size, sha256, availableUntil, from };
  return { ...jobView("profile export", { ...row, job }), result };
}
