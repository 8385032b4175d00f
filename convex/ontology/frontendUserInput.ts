import * as z from "zod";
import { emailAddress } from "../kit/emailInput";
import { label, text } from "../kit/text";
import { frontendUserType } from "./frontendUser";
import { once } from "../kit/once";

/** What the portal sends of its users, and what it is shown. */
export const oauthProvider = once(() => z.enum(["google", "microsoft"]));
export const frontendUserStatus = once(() => z.enum(frontendUserType.statuses));

/** `POST /auth/sync-user`. */
export const signIn = once(() =>
  z
    .strictObject({
      email: emailAddress(),
      name: label(200),
      oauthProvider: oauthProvider(),
      oauthId: text(255).meta({ description: "The provider's own id of the user." }),
    })
    .meta({ id: "PortalSignIn" }),
);
export type SignIn = z.output<ReturnType<typeof signIn>>;

export const frontendUserUpdate = once(() =>
  z
    .strictObject({
      status: frontendUserStatus().optional(),
      crmContactId: z.string().max(64).nullable().optional(),
    })
    .meta({ id: "FrontendUserUpdate" }),
);

export const frontendUserRecord = once(() =>
  z
    .object({
      _id: z.string(),
      id: z.string(),
      organizationId: z.string(),
      type: z.literal("frontend_user"),
      name: z.string().meta({ description: "The e-mail." }),
      status: frontendUserStatus(),
      customProperties: z.object({
        oauthProvider: oauthProvider(),
        oauthId: z.string(),
        displayName: z.string(),
        lastLogin: z.number(),
        crmContactId: z.string().nullable(),
        crmOrganizationId: z.string().nullable(),
      }),
      version: z.number().int(),
      createdAt: z.number(),
      updatedAt: z.number(),
    })
    .meta({ id: "FrontendUser" }),
);

export const signedInUser = once(() =>
  frontendUserRecord()
    .extend({
      sessionToken: z
        .string()
        .nullable()
        .meta({ description: "What a browser calls with; shown this once, null in a replay." }),
      expiresAt: z.number(),
    })
    .meta({ id: "SignedInFrontendUser" }),
);

/** The user's contact, and the CRM organization that it belongs to; null where there is none. */
export const crmContext = once(() =>
  z.object({
    contactId: z.string().nullable(),
    organizationId: z.string().nullable(),
  }),
);
