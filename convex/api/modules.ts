import * as apiV1AccessTokens from "./v1/accessTokens";
import * as apiV1AccountLetters from "./v1/accountLetters";
import * as apiV1AccountMerge from "./v1/accountMerge";
import * as apiV1Accounts from "./v1/accounts";
import * as apiV1ApiKeys from "./v1/apiKeys";
import * as apiV1Attachments from "./v1/attachments";
import * as apiV1Audit from "./v1/audit";
import * as apiV1Auth from "./v1/auth";
import * as apiV1Boards from "./v1/boards";
import * as apiV1ClerkEvents from "./v1/clerkEvents";
import * as apiV1Comments from "./v1/comments";
import * as apiV1Conflicts from "./v1/conflicts";
import * as apiV1Connections from "./v1/connections";
import * as apiV1ContactEvents from "./v1/contactEvents";
import * as apiV1Contacts from "./v1/contacts";
import * as apiV1ContactsBulk from "./v1/contactsBulk";
import * as apiV1ContactsMerge from "./v1/contactsMerge";
import * as apiV1ContactsOverview from "./v1/contactsOverview";
import * as apiV1ContactsTransfer from "./v1/contactsTransfer";
import * as apiV1CreditNotes from "./v1/creditNotes";
import * as apiV1CrmOrganizations from "./v1/crmOrganizations";
import * as apiV1Devices from "./v1/devices";
import * as apiV1Documents from "./v1/documents";
import * as apiV1Inbox from "./v1/inbox";
import * as apiV1IncomingEvents from "./v1/incomingEvents";
import * as apiV1Integrity from "./v1/integrity";
import * as apiV1Invites from "./v1/invites";
import * as apiV1Invoices from "./v1/invoices";
import * as apiV1Me from "./v1/me";
import * as apiV1MessageEvents from "./v1/messageEvents";
import * as apiV1Notifications from "./v1/notifications";
import * as apiV1OneTimeLogin from "./v1/oneTimeLogin";
import * as apiV1Organization from "./v1/organization";
import * as apiV1OrganizationLogo from "./v1/organizationLogo";
import * as apiV1OrganizationShapes from "./v1/organizationShapes";
import * as apiV1Passkeys from "./v1/passkeys";
import * as apiV1PaymentProviders from "./v1/paymentProviders";
import * as apiV1PaymentWebhooks from "./v1/paymentWebhooks";
import * as apiV1Payments from "./v1/payments";
import * as apiV1PortalSessions from "./v1/portalSessions";
import * as apiV1PortalUsers from "./v1/portalUsers";
import * as apiV1Profile from "./v1/profile";
import * as apiV1ProjectMarks from "./v1/projectMarks";
import * as apiV1ProjectTemplates from "./v1/projectTemplates";
import * as apiV1Projects from "./v1/projects";
import * as apiV1Quotes from "./v1/quotes";
import * as apiV1RecurringInvoices from "./v1/recurringInvoices";
import * as apiV1Reports from "./v1/reports";
import * as apiV1SalesShapes from "./v1/salesShapes";
import * as apiV1Search from "./v1/search";
import * as apiV1SecondFactors from "./v1/secondFactors";
import * as apiV1StaffSessions from "./v1/staffSessions";
import * as apiV1Statements from "./v1/statements";
import * as apiV1Sync from "./v1/sync";
import * as apiV1TaskAttachments from "./v1/taskAttachments";
import * as apiV1Tasks from "./v1/tasks";
import * as apiV1Team from "./v1/team";
import * as apiV1TenantShapes from "./v1/tenantShapes";
import * as apiV1Tenants from "./v1/tenants";
import * as apiV1Time from "./v1/time";
import * as apiV1WebhookDeliveries from "./v1/webhookDeliveries";
import * as apiV1Webhooks from "./v1/webhooks";

/** Every module that may have endpoints, by its path; made by `npm run routes`. */
export const modules: Readonly<Record<string, Record<string, unknown>>> = {
  "api/v1/accessTokens": apiV1AccessTokens,
  "api/v1/accountLetters": apiV1AccountLetters,
  "api/v1/accountMerge": apiV1AccountMerge,
  "api/v1/accounts": apiV1Accounts,
  "api/v1/apiKeys": apiV1ApiKeys,
  "api/v1/attachments": apiV1Attachments,
  "api/v1/audit": apiV1Audit,
  "api/v1/auth": apiV1Auth,
  "api/v1/boards": apiV1Boards,
  "api/v1/clerkEvents": apiV1ClerkEvents,
  "api/v1/comments": apiV1Comments,
  "api/v1/conflicts": apiV1Conflicts,
  "api/v1/connections": apiV1Connections,
  "api/v1/contactEvents": apiV1ContactEvents,
  "api/v1/contacts": apiV1Contacts,
  "api/v1/contactsBulk": apiV1ContactsBulk,
  "api/v1/contactsMerge": apiV1ContactsMerge,
  "api/v1/contactsOverview": apiV1ContactsOverview,
  "api/v1/contactsTransfer": apiV1ContactsTransfer,
  "api/v1/creditNotes": apiV1CreditNotes,
  "api/v1/crmOrganizations": apiV1CrmOrganizations,
  "api/v1/devices": apiV1Devices,
  "api/v1/documents": apiV1Documents,
  "api/v1/inbox": apiV1Inbox,
  "api/v1/incomingEvents": apiV1IncomingEvents,
  "api/v1/integrity": apiV1Integrity,
  "api/v1/invites": apiV1Invites,
  "api/v1/invoices": apiV1Invoices,
  "api/v1/me": apiV1Me,
  "api/v1/messageEvents": apiV1MessageEvents,
  "api/v1/notifications": apiV1Notifications,
  "api/v1/oneTimeLogin": apiV1OneTimeLogin,
  "api/v1/organization": apiV1Organization,
  "api/v1/organizationLogo": apiV1OrganizationLogo,
  "api/v1/organizationShapes": apiV1OrganizationShapes,
  "api/v1/passkeys": apiV1Passkeys,
  "api/v1/paymentProviders": apiV1PaymentProviders,
  "api/v1/paymentWebhooks": apiV1PaymentWebhooks,
  "api/v1/payments": apiV1Payments,
  "api/v1/portalSessions": apiV1PortalSessions,
  "api/v1/portalUsers": apiV1PortalUsers,
  "api/v1/profile": apiV1Profile,
  "api/v1/projectMarks": apiV1ProjectMarks,
  "api/v1/projectTemplates": apiV1ProjectTemplates,
  "api/v1/projects": apiV1Projects,
  "api/v1/quotes": apiV1Quotes,
  "api/v1/recurringInvoices": apiV1RecurringInvoices,
  "api/v1/reports": apiV1Reports,
  "api/v1/salesShapes": apiV1SalesShapes,
  "api/v1/search": apiV1Search,
  "api/v1/secondFactors": apiV1SecondFactors,
  "api/v1/staffSessions": apiV1StaffSessions,
  "api/v1/statements": apiV1Statements,
  "api/v1/sync": apiV1Sync,
  "api/v1/taskAttachments": apiV1TaskAttachments,
  "api/v1/tasks": apiV1Tasks,
  "api/v1/team": apiV1Team,
  "api/v1/tenantShapes": apiV1TenantShapes,
  "api/v1/tenants": apiV1Tenants,
  "api/v1/time": apiV1Time,
  "api/v1/webhookDeliveries": apiV1WebhookDeliveries,
  "api/v1/webhooks": apiV1Webhooks,
};
