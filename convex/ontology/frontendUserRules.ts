import { ApiError } from "../kit/errors";
import { emailKey } from "../kit/email";
import { contactOfUser } from "./followUps";
import type { SignIn } from "./frontendUserInput";
import type { ObjectDoc } from "./registry";
import type { ObjectStore } from "./store";

type FrontendUser = ObjectDoc<"frontend_user">;

/**
 * A sign-in that the portal's OAuth provider has vouched for: makes the portal user of this e-mail,
 * or brings the known one up to date, and links the contact that has the e-mail.
 * @throws FORBIDDEN for a user who has been switched off.
 */
export async function syncUser(
  store: ObjectStore,
  { email, name, oauthProvider, oauthId }: SignIn,
): Promise<{ user: FrontendUser; isNew: boolean }> {
  const known = await store.findByKey("frontend_user", emailKey(email));
  if (known?.status === "inactive") {
    throw new ApiError("FORBIDDEN", "This portal user has been switched off.");
  }
  const crmContactId = await contactOfUser(store, email, known?.customProperties.crmContactId);
  const customProperties = {
    email,
    oauthProvider,
    oauthId,
    displayName: name,
    lastLogin: Date.now(),
    crmContactId,
  };
  if (known) {
    return { user: await store.update(known, { customProperties }, "signed_in"), isNew: false };
  }
  const user = await store.insert("frontend_user", {
    subtype: "portal",
    status: "active",
    customProperties,
  });
  return { user, isNew: true };
}

/** What staff decide of a portal user: whether they may come in, and whose contact they are. */
export async function changePortalUser(
  store: ObjectStore,
  user: FrontendUser,
  { status, crmContactId }: { status?: FrontendUser["status"]; crmContactId?: string | null },
): Promise<FrontendUser> {
  const contact =
    typeof crmContactId === "string"
      ? (await store.require("crm_contact", crmContactId))._id
      : undefined;
  return await store.update(user, {
    ...(status === undefined ? {} : { status }),
    ...(crmContactId === undefined ? {} : { customProperties: { crmContactId: contact } }),
  });
}
