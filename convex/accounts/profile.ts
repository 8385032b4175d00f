import * as z from "zod";
import type { Doc } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import type { DownloadSource } from "../attachments/downloadLink";
import { downloadSource } from "../attachments/downloads";
import { FieldError } from "../kit/errors";
import { once } from "../kit/once";
import { locale, timeZone } from "../kit/organizationSettings";
import type { RequestOrigin } from "../kit/requestOrigin";
import { lineLabel } from "../kit/text";
import { changesBetween, definedOnly } from "../ontology/changes";
import { avatarOf, requirePicture } from "./avatars";
import { recordForPerson } from "./trail";
import { userByUsername, username } from "./usernames";
import { addressOf } from "./verified";

/** What a person says of themselves, and how they want to see things: their own, in every organization. */
type User = Doc<"users">;
type Preferences = NonNullable<User["preferences"]>;

/** Of who has said nothing else. A week begins on Monday (ISO 8601). */
export const DEFAULT_LOCALE = "en";
export const DEFAULT_TIME_ZONE = "UTC";
const DEFAULT_PREFERENCES: Preferences = { theme: "system", weekStartsOn: 1 };

const preferences = once(() =>
  z.strictObject({
    theme: z.enum(["system", "light", "dark"]),
    weekStartsOn: z
      .number()
      .int()
      .min(0)
      .max(6)
      .meta({ description: "0 is Sunday, 1 Monday, … 6 Saturday." }),
  }),
);

export const profile = once(() =>
  z
    .object({
      id: z.string(),
      name: z.string(),
      email: z.string().nullable(),
      username: z.string().nullable(),
      avatarAttachmentId: z.string().nullable(),
      avatarUrl: z.string().nullable().meta({
        description: "Good for five minutes; of a file that lies elsewhere, its own address.",
      }),
      locale: z.string(),
      timeZone: z.string(),
      preferences: preferences(),
    })
    .meta({ id: "Profile" }),
);

export const profileChange = once(() =>
  z
    .strictObject({
      name: lineLabel(100).min(2, "must have at least 2 characters"),
      username: username().nullable(),
      avatarAttachmentId: z.string().max(64).nullable().meta({
        description:
          "A picture among the attachments of an organization of yours, its upload completed.",
      }),
      locale: locale(),
      timeZone: timeZone(),
      preferences: preferences().partial(),
      /** Refused by its own words: it is what people look for here. */
      email: z.never("is changed by POST /auth/change-email, which has the new one confirmed"),
    })
    .partial()
    .meta({ id: "ProfileUpdate" }),
);
type ProfileChange = z.output<ReturnType<typeof profileChange>>;

type UnfinishedProfile = Omit<z.input<ReturnType<typeof profile>>, "avatarUrl"> & {
  avatarUrl: DownloadSource | null;
};

/** As the door is given it, which makes the link. */
export async function profileOf(ctx: QueryCtx, user: User): Promise<UnfinishedProfile> {
  const avatar = await avatarOf(ctx, user);
  const { _id: id, name, username: ownUsername = null } = user;
  return {
    ...{ id, name, email: addressOf(user), username: ownUsername },
    avatarAttachmentId: avatar?._id ?? null,
    avatarUrl: avatar && downloadSource(avatar),
    locale: user.locale ?? DEFAULT_LOCALE,
    timeZone: user.timeZone ?? DEFAULT_TIME_ZONE,
    preferences: user.preferences ?? DEFAULT_PREFERENCES,
  };
}

/**
 * Given fields change; null takes the username or the picture away.
 * @throws CONFLICT for a username that somebody has; ATTACHMENT_NOT_FOUND, INVALID_STATE and
 *   VALIDATION_ERROR for what can be no picture
 */
export async function changeProfile(
  ctx: MutationCtx,
  user: User,
  change: ProfileChange,
  request: RequestOrigin,
): Promise<User> {
  const given = await changedFields(ctx, user, change);
  const before = told(user);
  const after = told({ ...user, ...given });
  const changes = changesBetween(before, after);
  if (changes.length === 0) return user;
  await ctx.db.patch("users", user._id, given);
  const changed = { ...user, ...given };
  await recordForPerson(ctx, changed, { action: "user.profile_updated", changes }, request);
  return changed;
}

async function changedFields(
  ctx: MutationCtx,
  user: User,
  { username: wanted, avatarAttachmentId, preferences: wishes, ...change }: ProfileChange,
): Promise<Partial<User>> {
  const { name, locale: language, timeZone: zone } = change;
  if (typeof wanted === "string") await requireFree(ctx, user, wanted);
  return {
    ...(name === undefined ? {} : { name }),
    ...(language === undefined ? {} : { locale: language }),
    ...(zone === undefined ? {} : { timeZone: zone }),
    ...(wanted === undefined ? {} : { username: wanted ?? undefined }),
    ...(avatarAttachmentId === undefined
      ? {}
      : {
          avatarAttachmentId:
            avatarAttachmentId === null
              ? undefined
              : (await requirePicture(ctx, user._id, avatarAttachmentId))._id,
        }),
    ...(wishes === undefined ? {} : { preferences: preferencesWith(user, wishes) }),
  };
}

function preferencesWith(
  { preferences: known = DEFAULT_PREFERENCES }: User,
  { theme = known.theme, weekStartsOn = known.weekStartsOn }: ProfileChange["preferences"] & object,
): Preferences {
  return { theme, weekStartsOn };
}

/** Read in the transaction that writes it: of two who want one at once, the second sees the first. */
async function requireFree(ctx: QueryCtx, user: User, wanted: string): Promise<void> {
  const holder = await userByUsername(ctx, wanted);
  if (!holder || holder._id === user._id) return;
  throw new FieldError("CONFLICT", "Somebody has this username: choose another.", "username");
}

function told(user: User): ReturnType<typeof definedOnly> {
  const { name, username: own, avatarAttachmentId, locale: language, timeZone: zone } = user;
  const fields = { name, username: own, avatarAttachmentId, locale: language, timeZone: zone };
  return definedOnly({ ...fields, preferences: user.preferences });
}
