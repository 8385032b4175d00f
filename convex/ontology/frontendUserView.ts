import type * as z from "zod";
import type { crmContext, frontendUserRecord } from "./frontendUserInput";
import type { PortalViewer } from "./portalRules";
import type { TenantReader } from "./reader";
import type { ObjectDoc } from "./registry";

type FrontendUser = ObjectDoc<"frontend_user">;
type CrmContext = z.input<ReturnType<typeof crmContext>>;

export function frontendUserView(
  user: FrontendUser,
  { contactId, organizationId }: CrmContext,
): z.input<ReturnType<typeof frontendUserRecord>> {
  const { oauthProvider, oauthId, displayName, lastLogin } = user.customProperties;
  return {
    _id: user._id,
    id: user._id,
    organizationId: user.organizationId,
    type: user.type,
    name: user.name,
    status: user.status,
    customProperties: {
      oauthProvider,
      oauthId,
      displayName,
      lastLogin,
      crmContactId: contactId,
      crmOrganizationId: organizationId,
    },
    version: user.version,
    createdAt: user.createdAt,
    updatedAt: user.updatedAt,
  };
}

/** The user by itself, where nobody reads whom their contact belongs to: in events. */
export function portalUserView(user: FrontendUser): Omit<
  z.input<ReturnType<typeof frontendUserRecord>>,
  "customProperties"
> & {
  customProperties: Omit<FrontendUser["customProperties"], "crmContactId" | "email"> & {
    crmContactId: string | null;
  };
} {
  const contactId = user.customProperties.crmContactId ?? null;
  const view = frontendUserView(user, { contactId, organizationId: null });
  const { crmOrganizationId: _unread, ...customProperties } = view.customProperties;
  return { ...view, customProperties };
}

/** The contact's organization is read with the contact: it may have moved since the last sign-in. */
export async function crmContextOf(tenant: TenantReader, user: FrontendUser): Promise<CrmContext> {
  const { crmContactId } = user.customProperties;
  const contact = crmContactId && (await tenant.find("crm_contact", crmContactId));
  return {
    contactId: contact ? contact._id : null,
    organizationId: (contact && contact.customProperties.crmOrganizationId) || null,
  };
}

/** The same for the portal user who is calling. */
export function ownCrmContext({ contactId, crmOrganizationId }: PortalViewer): CrmContext {
  return { contactId, organizationId: crmOrganizationId };
}
