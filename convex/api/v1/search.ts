import * as z from "zod";
import { ok, readEndpoint } from "../../kit/endpoint";
import { severalOf } from "../../kit/several";
import { OBJECT_TYPES } from "../../search/hits";
import { MAX_PALETTE, paletteHits } from "../../search/palette";
import {
  highlight,
  searchedText,
  searchEndpointOf,
  searchTag as tag,
} from "../../search/searchEndpoint";

export const palette = readEndpoint(
  {
    method: "GET",
    path: "/search",
    tag,
    summary: "Search everything",
    description:
      "The best hits of all types, for a command palette: whole numbers and e-mails first. Of each type the caller's key or role must read its area; the others are left out. A portal user finds what the portal shows them.",
    scope: "projects:read",
    orScopes: ["crm:read", "invoices:read", "portal:read"],
    callers: ["api_key", "user", "portal_user"],
    query: () =>
      z.strictObject({
        q: searchedText(),
        types: severalOf(z.enum(OBJECT_TYPES), { description: "These types alone." }),
        limit: z.coerce
          .number()
          .int()
          .min(1)
          .max(MAX_PALETTE)
          .optional()
          .meta({ description: `${MAX_PALETTE} by default.` }),
      }),
    answers: {
      200: () =>
        z.array(
          z.object({
            type: z.enum(OBJECT_TYPES),
            id: z.string(),
            title: z.string(),
            subtitle: z.string().nullable(),
            projectId: z.string().nullable().meta({ description: "Of what belongs to a project." }),
            score: z.number().meta({ description: "Between 0 and 1; 1 is the whole of it." }),
            highlights: z.array(highlight()),
          }),
        ),
    },
  },
  async (ctx, { query: { q: search, types, limit = MAX_PALETTE } }) =>
    ok(await paletteHits(ctx, ctx.caller, { search, types, limit })),
);

export const tasks = searchEndpointOf("task", { path: "/search/tasks", many: "tasks" });

export const projects = searchEndpointOf("project", {
  path: "/search/projects",
  many: "projects",
  readers: ["api_key", "user", "portal_user"],
  isArchived: true,
});

export const comments = searchEndpointOf("comment", {
  path: "/search/comments",
  many: "comments",
  readers: ["api_key", "user", "portal_user"],
});
