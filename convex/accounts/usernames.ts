import * as z from "zod";
import type { Doc } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { once } from "../kit/once";

/** The name by which people mention and invite each other, wherever they belong. */
type User = Doc<"users">;

/** Words that mean somebody or something else where a person is named, or speak in the operator's name. */
const RESERVED: ReadonlySet<string> = new Set([
  ...[
    "me",
    "myself",
    "self",
    "you",
    "none",
    "nobody",
    "all",
    "any",
    "anyone",
    "everyone",
    "everybody",
  ],
  ...["here", "channel", "team", "group", "user", "users", "member", "members", "owner", "owners"],
  ...["manager", "viewer", "guest", "anonymous", "unknown", "deleted", "null", "undefined", "true"],
  ...[
    "false",
    "new",
    "admin",
    "admins",
    "administrator",
    "root",
    "system",
    "operator",
    "moderator",
  ],
  ...[
    "staff",
    "support",
    "help",
    "security",
    "billing",
    "api",
    "bot",
    "freehold",
    "clerk",
    "portal",
  ],
  ...["abuse", "hostmaster", "postmaster", "webmaster", "info", "mail", "noreply", "no-reply"],
]);

export const username = once(() =>
  z
    .string()
    .trim()
    .regex(/^[A-Za-z0-9_-]{3,30}$/, {
      error: "must have 3 to 30 of a-z, 0-9, _ and -",
      abort: true,
    })
    .overwrite((name) => name.toLowerCase())
    .refine((name) => !RESERVED.has(name), "is reserved: choose another")
    .meta({ example: "mara-winter" }),
);

/** As somebody wrote it: case does not count. */
export async function userByUsername(ctx: QueryCtx, written: string): Promise<User | null> {
  const user = await ctx.db
    .query("users")
    .withIndex("by_username", (q) => q.eq("username", written.toLowerCase()))
    .first();
  return user?.deletedAt === undefined ? user : null;
}
