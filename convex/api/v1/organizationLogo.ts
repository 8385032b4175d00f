import { Base64 } from "convex/values";
import * as z from "zod";
import { MAX_LOGO_BYTES, removeLogo, replaceLogo } from "../../delivery/logos";
import { noContent, ok, readEndpoint, writeEndpoint } from "../../kit/endpoint";
import { MAX_PIXELS, PICTURE_TYPES, type PictureType } from "../../kit/pictures";
import { requireVersion } from "../../kit/version";
import { type Logo, presentLogo } from "../../ontology/sellers";
import { once } from "../../kit/once";

/** The picture on the letterhead of documents. It is a setting: `If-Match` is the settings' version. */

const tag = "Organization";
const path = "/organization/logo";

const logo = once(() =>
  z
    .object({
      contentType: z.enum(PICTURE_TYPES),
      width: z.number().int().meta({ description: "Pixels." }),
      height: z.number().int().meta({ description: "Pixels." }),
      size: z.number().int().meta({ description: "Bytes." }),
      sha256: z.string().meta({ description: "Hex, of the bytes." }),
      dataUrl: z
        .string()
        .meta({ description: "The picture itself (RFC 2397), as `src` of an image." }),
    })
    .meta({ id: "OrganizationLogo" }),
);

export const get = readEndpoint(
  {
    method: "GET",
    path,
    tag,
    summary: "Get the logo on the organization's documents",
    description: "`data` is null where there is none.",
    scope: "organization:read",
    answers: { 200: () => logo().nullable() },
  },
  async (ctx) => {
    const found = await presentLogo(ctx, ctx.caller.organizationId);
    return ok(found && logoView(found));
  },
);

export const replace = writeEndpoint(
  {
    method: "POST",
    path,
    tag,
    summary: "Replace the logo on the organization's documents",
    description: `The body is the picture: PNG or JPEG, up to ${MAX_LOGO_BYTES / 1024} KiB and ${MAX_PIXELS.toLocaleString("en")} pixels. It is printed up to 60 × 22 mm; drafts and later documents bear it; what has been issued stays as it is.`,
    scope: "organization:write",
    raw: { "image/png": null, "image/jpeg": null } satisfies Record<PictureType, null>,
    bodyLimit: MAX_LOGO_BYTES,
    answers: { 200: logo },
    errors: ["VERSION_MISMATCH"],
  },
  async ({ organization, scope, ifMatch, ...ctx }, { upload }) => {
    requireVersion(ifMatch, organization.version);
    const changed = await replaceLogo(ctx, scope, organization, upload);
    return ok(logoView(changed.logo), { version: changed.organization.version });
  },
);

export const remove = writeEndpoint(
  {
    method: "DELETE",
    path,
    tag,
    summary: "Remove the logo from the organization's documents",
    description: "Also where there is none.",
    scope: "organization:write",
    answers: { 204: null },
    errors: ["VERSION_MISMATCH"],
  },
  async ({ organization, scope, ifMatch, ...ctx }) => {
    requireVersion(ifMatch, organization.version);
    await removeLogo(ctx, scope, organization);
    return noContent;
  },
);

function logoView({
  contentType,
  width,
  height,
  sha256,
  bytes,
}: Logo): z.input<ReturnType<typeof logo>> {
  const base64 = Base64.fromByteArray(new Uint8Array(bytes));
  const dataUrl = `data:${contentType};base64,${base64}`;
  return { contentType, width, height, size: bytes.byteLength, sha256, dataUrl };
}
