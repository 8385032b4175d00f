import * as apiKeys from "./v1/apiKeys";
import * as attachments from "./v1/attachments";
import * as audit from "./v1/audit";
import * as auth from "./v1/auth";
import * as clerkEvents from "./v1/clerkEvents";
import * as conflicts from "./v1/conflicts";
import * as contacts from "./v1/contacts";
import * as creditNotes from "./v1/creditNotes";
import * as contactsBulk from "./v1/contactsBulk";
import * as contactsMerge from "./v1/contactsMerge";
import * as contactsOverview from "./v1/contactsOverview";
import * as contactsTransfer from "./v1/contactsTransfer";
import * as crmOrganizations from "./v1/crmOrganizations";
import * as inbox from "./v1/inbox";
import * as documents from "./v1/documents";
import * as incomingEvents from "./v1/incomingEvents";
import * as integrity from "./v1/integrity";
import * as devices from "./v1/devices";
import * as invoices from "./v1/invoices";
import * as invites from "./v1/invites";
import * as messageEvents from "./v1/messageEvents";
import * as notifications from "./v1/notifications";
import * as organization from "./v1/organization";
import * as organizationLogo from "./v1/organizationLogo";
import * as paymentProviders from "./v1/paymentProviders";
import * as payments from "./v1/payments";
import * as paymentWebhooks from "./v1/paymentWebhooks";
import * as portalSessions from "./v1/portalSessions";
import * as portalUsers from "./v1/portalUsers";
import * as projects from "./v1/projects";
import * as quotes from "./v1/quotes";
import * as recurringInvoices from "./v1/recurringInvoices";
import * as reports from "./v1/reports";
import * as statements from "./v1/statements";
import * as sync from "./v1/sync";
import * as tenants from "./v1/tenants";
import * as webhookDeliveries from "./v1/webhookDeliveries";
import * as webhooks from "./v1/webhooks";
import { incomingIn } from "../kit/incomingWebhook";
import { endpointsIn } from "../kit/mount";

/** One line per resource: its endpoints bring their own routes. */
export const endpoints = endpointsIn({
  "api/v1/contacts": contacts,
  "api/v1/contactsBulk": contactsBulk,
  "api/v1/contactsMerge": contactsMerge,
  "api/v1/contactsOverview": contactsOverview,
  "api/v1/contactsTransfer": contactsTransfer,
  "api/v1/crmOrganizations": crmOrganizations,
  "api/v1/invoices": invoices,
  "api/v1/creditNotes": creditNotes,
  "api/v1/quotes": quotes,
  "api/v1/documents": documents,
  "api/v1/reports": reports,
  "api/v1/statements": statements,
  "api/v1/integrity": integrity,
  "api/v1/recurringInvoices": recurringInvoices,
  "api/v1/organization": organization,
  "api/v1/organizationLogo": organizationLogo,
  "api/v1/notifications": notifications,
  "api/v1/inbox": inbox,
  "api/v1/apiKeys": apiKeys,
  "api/v1/attachments": attachments,
  "api/v1/audit": audit,
  "api/v1/auth": auth,
  "api/v1/portalSessions": portalSessions,
  "api/v1/portalUsers": portalUsers,
  "api/v1/projects": projects,
  "api/v1/devices": devices,
  "api/v1/sync": sync,
  "api/v1/tenants": tenants,
  "api/v1/invites": invites,
  "api/v1/payments": payments,
  "api/v1/paymentProviders": paymentProviders,
  "api/v1/incomingEvents": incomingEvents,
  "api/v1/webhooks": webhooks,
  "api/v1/webhookDeliveries": webhookDeliveries,
  "api/v1/conflicts": conflicts,
});

/** What providers call: signed webhooks, one line per resource as well. */
export const incomingWebhooks = incomingIn({
  "api/v1/clerkEvents": clerkEvents,
  "api/v1/messageEvents": messageEvents,
  "api/v1/paymentWebhooks": paymentWebhooks,
});
