import { type Claims, type OAuthProvider, textClaim } from "./provider";

const TENANT_ID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;
/** The tenant of personal accounts: its addresses are of any domain. */
const CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad";

/**
 * https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc. `MICROSOFT_ISSUER` says whom it
 * takes: `…/common/v2.0` any account, `…/organizations/v2.0` any of work or school, `…/consumers/v2.0`
 * personal ones, `…/<tenant>/v2.0` those of one tenant.
 */
export const microsoft: OAuthProvider = {
  name: "microsoft",
  title: "Microsoft",
  prefix: "MICROSOFT",
  issuer: "https://login.microsoftonline.com/common/v2.0",
  apiUrl: "https://graph.microsoft.com/v1.0",
  secretIn: "post",
  scopes: {
    sign_in: ["openid", "email", "profile"],
    connect: ["openid", "email", "profile", "offline_access", "Mail.Send", "Calendars.Read"],
  },
  connecting: { prompt: "consent" },
  mayName: (said, configured) => {
    if (said.replace(/\/+$/, "") === configured) return true;
    // Of many tenants it names `{tenantid}`, of a tenant by another name the tenant's id.
    const path = /^(https?:\/\/[^/]+)\/([^/]+)\/v2\.0\/?$/;
    const [, host, tenant = ""] = path.exec(said) ?? [];
    const [, configuredHost, configuredTenant = ""] = path.exec(configured) ?? [];
    if (host === undefined || host !== configuredHost) return false;
    const isOfMany = /^(common|organizations)$/.test(configuredTenant);
    return tenant === "{tenantid}" ? isOfMany : !isOfMany && TENANT_ID.test(tenant);
  },
  issuerOf: (said, claims) => {
    const tenant = textClaim(claims, "tid") ?? "";
    return TENANT_ID.test(tenant) ? said.replace("{tenantid}", tenant) : said;
  },
  emailOf: (claims, configured) => {
    const email = textClaim(claims, "email");
    if (email === undefined) return null;
    return { email, standing: isProved(claims, configured) ? "proved" : "unproved" };
  },
};

/**
 * The administrator of any tenant can write any address into `email`. It is the account's own where
 * Microsoft says that the domain's owner has verified it (`xms_edov`, an optional claim that it also sends
 * as 1 or as text), or where it comes from the one tenant that this deployment was set up for.
 */
function isProved(claims: Claims, configured: string): boolean {
  if ([true, 1, "1", "true"].some((yes) => claims["xms_edov"] === yes)) return true;
  const tenant = textClaim(claims, "tid")?.toLowerCase() ?? "";
  if (!TENANT_ID.test(tenant) || tenant === CONSUMERS) return false;
  return new URL(configured).pathname.toLowerCase().split("/").includes(tenant);
}
