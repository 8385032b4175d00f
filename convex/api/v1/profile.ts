import { changeProfile, profile, profileChange, profileOf } from "../../accounts/profile";
import { ok } from "../../kit/endpoint";
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
    errors: ["CONFLICT", "NOT_FOUND", "INVALID_STATE"],
    finishes: "avatar",
  },
  async (ctx, { body }) => {
    const changed = await changeProfile(ctx, ctx.person, body, ctx.request);
    return ok(await profileOf(ctx, changed));
  },
);
