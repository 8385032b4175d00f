import type { Doc } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { invalidFields } from "../kit/errors";
import { NotAPicture, PICTURE_TYPES, type PictureSize, readPicture } from "../kit/pictures";
import { sha256Hex } from "../kit/tokens";
import { takeUpload, type Upload } from "../kit/uploads";
import type { WriteScope } from "../ontology/effects";
import { isBorne, keepFirstSeller, type Logo, presentLogo } from "../ontology/sellers";
import { settingsChanged } from "../tenancy";

/**
 * The picture on an organization's letterhead: a setting, so that a new one makes new documents. The
 * row of a picture never changes; one that issued documents bear stays with them.
 */

/** Together with the rest of its row far below Convex's limit of a document. */
export const MAX_LOGO_BYTES = 512 * 1024;

/**
 * Puts an uploaded picture in the place of the one before. The same picture again changes nothing.
 * @throws VALIDATION_ERROR for what cannot be read as the picture that it is said to be
 */
export async function replaceLogo(
  ctx: MutationCtx,
  scope: WriteScope,
  organization: Doc<"organizations">,
  upload: Upload,
): Promise<{ logo: Logo; organization: Doc<"organizations"> }> {
  const contentType = PICTURE_TYPES.find((type) => type === upload.mediaType);
  if (!contentType) throw new Error(`${upload.mediaType} is no type of a logo.`);
  const bytes = await takeUpload(ctx, upload);
  const size = sizeOf(bytes, contentType);
  const before = await presentLogo(ctx, organization._id);
  const sha256 = sha256Hex(bytes);
  if (before?.sha256 === sha256) return { logo: before, organization };
  await keepFirstSeller(ctx, organization);
  if (before) await retire(ctx, before);
  const fields = { ...size, contentType, sha256, bytes: bytes.buffer };
  const id = await ctx.db.insert("organizationLogos", {
    ...fields,
    organizationId: organization._id,
  });
  const logo = await ctx.db.get("organizationLogos", id);
  if (!logo) throw new Error(`The logo of organization ${organization._id} vanished.`);
  return { logo, organization: await logoChanged(ctx, scope, organization, before, logo) };
}

/** Takes the picture off the letterhead, if there is one. */
export async function removeLogo(
  ctx: MutationCtx,
  scope: WriteScope,
  organization: Doc<"organizations">,
): Promise<void> {
  const logo = await presentLogo(ctx, organization._id);
  if (!logo) return;
  await keepFirstSeller(ctx, organization);
  await retire(ctx, logo);
  await logoChanged(ctx, scope, organization, logo, null);
}

async function retire(ctx: MutationCtx, { _id }: Logo): Promise<void> {
  if (await isBorne(ctx, _id)) {
    await ctx.db.patch("organizationLogos", _id, { replacedAt: Date.now() });
  } else await ctx.db.delete("organizationLogos", _id);
}

function sizeOf(bytes: Uint8Array, contentType: Logo["contentType"]): PictureSize {
  try {
    return readPicture(bytes, contentType);
  } catch (error) {
    if (!(error instanceof NotAPicture)) throw error;
    throw invalidFields([{ field: "", message: error.message }]);
  }
}

async function logoChanged(
  ctx: MutationCtx,
  scope: WriteScope,
  organization: Doc<"organizations">,
  before: Logo | null,
  after: Logo | null,
): Promise<Doc<"organizations">> {
  const change = { field: "logo", before: before?.sha256, after: after?.sha256 };
  return await settingsChanged(ctx, scope, organization, [change]);
}
