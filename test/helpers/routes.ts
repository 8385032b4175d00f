import { endpoints } from "../../convex/api/endpoints";
import { DEFAULT_CALLERS } from "../../convex/kit/caller";
import type { MountedEndpoint } from "../../convex/kit/mount";
import type { Scope } from "../../convex/kit/scopes";
import type { Request } from "./answer";
import { eventually } from "./server";
import { signedEvent } from "./webhooks";

/** Parameters of a path, by their name. */
export type Params = Record<string, string>;

/** How to make what an id names, and an id of the right form that names nothing. */
export type Reference = {
  /** Within what the path's parameters before it name; in something of its own without them. */
  subject: (request: Request, params?: Params) => Promise<string>;
  missing: (request: Request) => Promise<string>;
};

/** What it takes to call a route: a good body, and how to make what `:id` names. */
export type Example = {
  body?: Record<string, unknown>;
  /** Query parameters that the route requires. */
  query?: string;
  /** Makes what `:id` names, by a request of its tenant; answers its id. */
  subject?: (request: Request) => Promise<string>;
  /** An id of the right form that names nothing, made by the tenant that asks. */
  missing?: (request: Request) => Promise<string>;
  /** The path's parameters after `:id`. */
  inner?: Record<string, Reference>;
};

let serial = 0;
export const contact = async (request: Request): Promise<string> => {
  serial += 1;
  const body = { firstName: "Ada", email: `ada${serial}@x.test` };
  return (await request("POST", "/crm/contacts", { body })).body.contactId;
};
export const crmOrganization = async (request: Request): Promise<string> =>
  (await request("POST", "/crm/organizations", { body: { name: "Acme" } })).body.data.id;
export const apiKey = async (request: Request): Promise<string> =>
  (await request("POST", "/api-keys", { body: { name: "k", scopes: ["crm:read"] } })).body.data.id;

export const aTenant = {
  subject: async (request: Request): Promise<string> =>
    (await request("GET", "/organization")).body.data.id,
  missing: contact,
};

const deleted =
  (make: (request: Request) => Promise<string>, path: string) =>
  async (request: Request): Promise<string> => {
    const id = await make(request);
    await request("DELETE", `${path}/${id}`);
    return id;
  };
export const aContact = { subject: contact, missing: deleted(contact, "/crm/contacts") };
export const anOrganization = {
  subject: crmOrganization,
  missing: deleted(crmOrganization, "/crm/organizations"),
};
const aKey = { subject: apiKey, missing: deleted(apiKey, "/api-keys") };

const project = async (request: Request): Promise<string> => {
  const body = { subtype: "internal", name: "Relaunch" };
  return (await request("POST", "/projects", { body })).body.data.id;
};
export const aProject = { subject: project, missing: deleted(project, "/projects") };
const task = async (request: Request, { id }: Params = {}): Promise<string> => {
  const projectId = id ?? (await project(request));
  const body = { projectId, title: "Draft the sitemap" };
  return (await request("POST", "/tasks", { body })).body.data.id;
};
export const aTask = { subject: task, missing: deleted(task, "/tasks") };
/** Another task of the project of one that a parameter names. */
const besideTask =
  (param: string): Reference["subject"] =>
  async (request, params = {}) => {
    const id = params[param] ?? (await task(request));
    const { data } = (await request("GET", `/tasks/${id}`)).body;
    return await task(request, { id: (data as unknown as { projectId: string }).projectId });
  };
/** One that it waits for. */
const waitedFor =
  (param: string): Reference["subject"] =>
  async (request, params = {}) => {
    const id = params[param] ?? (await task(request));
    const other = await besideTask(param)(request, { [param]: id });
    await request("POST", `/tasks/${id}/depends-on/${other}`);
    return other;
  };
const externalAttachment = { url: "https://files.example.com/plan.pdf" };
/** A file of the task that a parameter names. */
const fileOf =
  (param: string): Reference["subject"] =>
  async (request, params = {}) => {
    const path = `/tasks/${params[param] ?? (await task(request))}/attachments`;
    return (await request("POST", path, { body: externalAttachment })).body.data.id;
  };
const { missing: noTask } = aTask;
/** Somebody who is invited to the project. */
export const aTeamMember: Reference = {
  subject: async (request, { id } = {}) => {
    serial += 1;
    const body = { email: `team${serial}@x.test` };
    const path = `/projects/${id ?? (await project(request))}/team/invite`;
    const answer = await request("POST", path, { body });
    return (answer.body.data as unknown as { inviteId?: string }).inviteId ?? "";
  },
  missing: contact,
};
const aTaskOfProject = { ...aProject, inner: { taskId: aTask } };
const label = async (request: Request, { id }: Params = {}): Promise<string> => {
  serial += 1;
  const path = `/projects/${id ?? (await project(request))}/tasks/labels`;
  return (await request("POST", path, { body: { name: `bug ${serial}` } })).body.data.id;
};
export const aLabel: Reference = { subject: label, missing: noTask };
const aLabelOfProject = { ...aProject, inner: { labelId: aLabel } };
const comment = async (request: Request, { id }: Params = {}): Promise<string> => {
  const path = `/projects/${id ?? (await project(request))}/comments`;
  return (await request("POST", path, { body: { body: "Relaunch it" } })).body.data.id;
};
export const aComment = { subject: comment, missing: deleted(comment, "/comments") };
export const aCommentOfProject = { ...aProject, inner: { commentId: aComment } };
const tag = async (request: Request, { id }: Params = {}): Promise<string> => {
  const path = `/projects/${id ?? (await project(request))}/tags`;
  return (await request("POST", path, { body: { name: "Website" } })).body.data.id;
};
const aTag: Reference = { subject: tag, missing: noTask };
const template = async (request: Request): Promise<string> => {
  const path = `/projects/${await project(request)}/template`;
  return (await request("POST", path, { body: { name: "Relaunch" } })).body.data.id;
};
export const aProjectTemplate = {
  subject: template,
  missing: deleted(template, "/projects/templates"),
};
/** Its tasks are few and large: a job makes them. */
const templateJob = async (request: Request): Promise<string> => {
  const id = await project(request);
  const large = { description: "x".repeat(20_000), customFields: { note: "x".repeat(32_000) } };
  const items = Array.from({ length: 21 }, (_, at) => ({ title: `Task ${at}`, ...large }));
  await request("POST", `/projects/${id}/tasks/bulk`, { body: { items } });
  const body = { name: "Relaunch" };
  const taken = await request("POST", `/projects/${id}/template`, { body });
  const wish = { ...body, templateId: taken.body.data.id };
  const made = await request("POST", "/projects/from-template", { body: wish });
  const { jobId } = made.body.data as unknown as { jobId: string };
  await eventually(
    () => request("GET", `/projects/from-template/${jobId}`),
    (answer) => answer.body.data.status !== "running",
  );
  return jobId;
};
const dayOfTime = { date: "2026-09-21", minutes: 90 };
/** A project with time that no invoice bills. */
const workedOn = async (request: Request): Promise<string> => {
  const id = await project(request);
  await request("POST", `/tasks/${await task(request, { id })}/time`, { body: dayOfTime });
  return id;
};
const timeEntry = async (request: Request): Promise<string> => {
  const projectId = await workedOn(request);
  return (await request("GET", `/time-entries?projectId=${projectId}`)).body.data[0]?.id ?? "";
};
const aTimeEntry = { subject: timeEntry, missing: deleted(timeEntry, "/time-entries") };
const portalUser = async (request: Request): Promise<string> => {
  serial += 1;
  const email = `portal${serial}@x.test`;
  const body = { email, name: "Pia", oauthProvider: "google", oauthId: String(serial) };
  return (await request("POST", "/auth/sync-user", { body })).body._id;
};
export const aPortalUser = { subject: portalUser, missing: deleted(portalUser, "/portal/users") };
const portalSession = async (request: Request): Promise<string> => {
  const userId = await portalUser(request);
  return (await request("GET", `/portal/sessions?userId=${userId}`)).body.data[0]?.id ?? "";
};
const aPortalSession = {
  subject: portalSession,
  missing: deleted(portalSession, "/portal/sessions"),
};

const contactImport = async (request: Request): Promise<string> => {
  const headers = { "Content-Type": "text/csv" };
  const raw = "firstName\nAda\n";
  const answer = await request("POST", "/crm/contacts/import", { raw, headers });
  const { importId } = answer.body.data as unknown as { importId: string };
  // It goes on by itself; what it makes must not come in between later.
  await eventually(
    () => request("GET", `/crm/contacts/imports/${importId}`),
    ({ body }) => body.data.status !== "running",
  );
  return importId;
};
const contactMerge = async (request: Request): Promise<string> => {
  const body = { sourceId: await contact(request) };
  const answer = await request("POST", `/crm/contacts/${await contact(request)}/merge`, { body });
  return (answer.body.data as unknown as { merge: { id: string } }).merge.id;
};

const line = { description: "Work", quantity: 1, unitPriceInCents: 100, taxRatePercent: 19 };
const sale = { type: "b2c_single", lineItems: [line], billTo: { name: "Ada" } };
const recurring = {
  ...sale,
  title: "Hosting",
  schedule: { frequency: "monthly", startDay: "2026-01-31" },
};
/** A document of invoicing, after some of the steps that its routes take. */
const document =
  (path: string, body: object, ...steps: string[]) =>
  async (request: Request): Promise<string> => {
    const { id } = (await request("POST", path, { body })).body.data;
    for (const step of steps) await request("POST", `${path}/${id}/${step}`);
    return id;
  };
const creditNote = async (request: Request): Promise<string> => {
  const invoice = await document("/invoices", sale, "send")(request);
  const answer = await request("POST", `/invoices/${invoice}/credit-notes`);
  return (answer.body.data as unknown as { creditNote: { id: string } }).creditNote.id;
};
// Numbered documents are not deleted: what is missing is an id of something else.
const missing = deleted(contact, "/crm/contacts");
export const aDraft = { subject: document("/invoices", sale), missing };
export const aSentInvoice = { subject: document("/invoices", sale, "send"), missing };
/** A message that is kept, because the tests have no provider. */
export const message = async (request: Request): Promise<string> => {
  const { id } = (await request("POST", "/invoices", { body: addressedSale })).body.data;
  const answer = await request("POST", `/invoices/${id}/send`);
  return (answer.body.data as unknown as { notificationIds: string[] }).notificationIds[0] ?? "";
};
const addressedSale = { ...sale, billTo: { name: "Ada", email: "ada@x.test" } };
export const aMessage = { subject: message, missing };
const aQuote = { subject: document("/quotes", sale), missing };
const aSentQuote = { subject: document("/quotes", sale, "send"), missing };
const anAcceptedQuote = { subject: document("/quotes", sale, "send", "accept"), missing };
const aTemplate = { subject: document("/recurring-invoices", recurring), missing };
const aPausedTemplate = { subject: document("/recurring-invoices", recurring, "pause"), missing };
const aYear = { query: "from=2026-01&to=2026-12" };

const attachment = async (request: Request): Promise<string> =>
  (await request("POST", "/attachments", { body: externalAttachment })).body.data.id;
export const anAttachment = { subject: attachment, missing: deleted(attachment, "/attachments") };

const webhookBody = { url: "https://hooks.example.com/", events: ["invoice.paid"] };
const webhook = async (request: Request): Promise<string> =>
  (await request("POST", "/webhooks", { body: webhookBody })).body.data.id;
const aWebhook = { subject: webhook, missing: deleted(webhook, "/webhooks") };
const delivery = async (request: Request): Promise<string> =>
  (await request("POST", `/webhooks/${await webhook(request)}/test`)).body.data.id;
/** Whose pushes the examples are. */
export const DEVICE = { deviceId: "d1", name: "Phone", platform: "ios", appVersion: "1.0" };
const pushedContact = {
  changeId: "c1",
  op: "upsert",
  type: "crm_contact",
  clientId: "0c9e4a2e-8d4f-4a52-9a3e-6a3f2c1b0d01",
  clientUpdatedAt: 1,
  data: { subtype: "lead", customProperties: { firstName: "Ada" } },
};
/** A change that lost against what the server has. */
const conflict = async (request: Request): Promise<string> => {
  serial += 1;
  const data = { customProperties: { firstName: "Other" } };
  const lost = { ...pushedContact, clientId: undefined, id: await contact(request), data };
  const changes = [{ ...lost, changeId: `lost${serial}` }];
  const answer = await request("POST", "/sync/push", { body: { deviceId: "d1", changes } });
  const { results } = answer.body.data as unknown as { results: { conflictId: string }[] };
  return results[0]?.conflictId ?? "";
};

export const unmatchedPayment = async (request: Request): Promise<string> => {
  const organizationId = (await request("GET", "/organization")).body.data.id;
  serial += 1;
  const transactionRef = `route-${serial}`;
  const money = { amountInCents: 100, currency: "EUR", transactionRef, paidAt: "2026-01-20" };
  const event = { type: "payment.succeeded", data: { organizationId, ...money } };
  await request("POST", "/webhooks/payments/generic", signedEvent(event));
  return (await request("GET", "/payments/unmatched")).body.data[0]?.id ?? "";
};
const linkedInvoice = async (request: Request): Promise<string> => {
  const { body } = EXAMPLES["PUT /organization/payment-providers/stripe"] ?? {};
  await request("PUT", "/organization/payment-providers/stripe", { body });
  const id = await aSentInvoice.subject(request);
  await request("POST", `/invoices/${id}/payment-link`);
  return id;
};

/** Files, and what needs a second object, are told in `test/crm` and `test/payments`. */
const TOLD_ELSEWHERE = [
  // To leave is for who sees it, to remove others is not: see test/team.
  "DELETE /projects/:id/team/:userId",
  // Any of several scopes will do: see test/search/palette.test.ts.
  "GET /search",
  "POST /payments/unmatched/:id/match",
  // There is nothing to take away before it is set up: see test/payments/providers.test.ts.
  "DELETE /organization/payment-providers/stripe",
  "DELETE /organization/payment-providers/generic",
  "POST /crm/contacts/:id/merge",
  // They need a provider, and an address that bounced: see test/delivery.
  "POST /notifications/:id/resend",
  "DELETE /notifications/suppressions/:id",
  // Its body names a project: below a project's path it is tried here.
  "POST /tasks",
  // Its body names a template: see test/work/templates.test.ts.
  "POST /projects/from-template",
  "POST /comments",
  // It needs a file that was uploaded: see test/attachments.
  "POST /attachments/complete",
  // A timer is one person's own, and one runs at most: see test/work/time.test.ts.
  "POST /tasks/:id/timer/start",
  "POST /tasks/:id/timer/stop",
  "POST /projects/:id/tasks/:taskId/timer/start",
  "POST /projects/:id/tasks/:taskId/timer/stop",
];

/** One entry per route: a route that is missing here fails the suite. */
export const EXAMPLES: Record<string, Example> = {
  "POST /crm/contacts": { body: { firstName: "Ada" } },
  "POST /crm/contacts/from-event": {
    body: { eventId: "e1", eventName: "Fair", eventDate: 1, attendeeInfo: { email: "a@x.test" } },
  },
  "GET /crm/contacts": {},
  "GET /crm/contacts/:id": aContact,
  "PATCH /crm/contacts/:id": { body: { notes: "x" }, ...aContact },
  "DELETE /crm/contacts/:id": aContact,
  "POST /crm/contacts/bulk": { body: { items: [{ firstName: "Ada" }] } },
  "GET /crm/contacts/tags": {},
  "GET /crm/contacts/duplicates": {},
  "GET /crm/contacts/:id/activity": aContact,
  // A deleted contact can be erased as well.
  "POST /crm/contacts/:id/erase": { subject: contact, missing: crmOrganization },
  "GET /crm/contacts/imports/:id": { subject: contactImport, missing: contact },
  "GET /crm/contacts/imports/:id/rows": { subject: contactImport, missing: contact },
  "GET /crm/contacts/merges/:id": { subject: contactMerge, missing: contact },
  "POST /crm/contacts/merges/:id/undo": { subject: contactMerge, missing: contact },
  "GET /crm/organizations": {},
  "POST /crm/organizations/bulk": { body: { items: [{ name: "Acme" }] } },
  "POST /crm/organizations": { body: { name: "Acme" } },
  "GET /crm/organizations/:id": anOrganization,
  "PATCH /crm/organizations/:id": { body: { notes: "x" }, ...anOrganization },
  "DELETE /crm/organizations/:id": anOrganization,
  "GET /crm/organizations/:id/contacts": anOrganization,
  "GET /projects": {},
  "POST /projects": { body: { subtype: "internal", name: "Relaunch" } },
  "GET /projects/:id": aProject,
  "PATCH /projects/:id": { body: { progress: 50 }, ...aProject },
  "POST /projects/:id/archive": aProject,
  "GET /projects/:id/team": aProject,
  "PATCH /projects/:id/team/:userId": {
    body: { role: "observer" },
    ...{ ...aProject, inner: { userId: aTeamMember } },
  },
  "POST /projects/:id/team/invite": { body: { email: "new@x.test" }, ...aProject },
  "DELETE /projects/:id": aProject,
  "GET /projects/:id/board": aProject,
  "POST /projects/:id/invoice": {
    body: { from: "2026-09-01", to: "2026-09-30", groupBy: "task" },
    subject: workedOn,
    missing: aProject.missing,
  },
  "GET /projects/:id/summary": aProject,
  "POST /tasks/:id/time": { body: dayOfTime, ...aTask },
  "POST /projects/:id/tasks/:taskId/time": { body: dayOfTime, ...aTaskOfProject },
  "GET /time-entries": {},
  "PATCH /time-entries/:id": { body: { note: "x" }, ...aTimeEntry },
  "DELETE /time-entries/:id": aTimeEntry,
  "GET /projects/:id/tags": aProject,
  "POST /projects/:id/tags": { body: { name: "Website" }, ...aProject },
  "DELETE /projects/:id/tags/:tagId": { ...aProject, inner: { tagId: aTag } },
  "POST /projects/:id/template": { body: { name: "Relaunch" }, ...aProject },
  "GET /projects/templates": {},
  "GET /projects/templates/:id": aProjectTemplate,
  "PATCH /projects/templates/:id": { body: { name: "Launch" }, ...aProjectTemplate },
  "DELETE /projects/templates/:id": aProjectTemplate,
  "GET /projects/from-template": {},
  "GET /projects/from-template/:id": { subject: templateJob, missing: project },
  "GET /calendar": { query: "from=2026-01-01&to=2026-01-31" },
  "GET /workload": { query: "from=2026-01-01&to=2026-01-31" },
  "POST /calendar/feed": {},
  "DELETE /calendar/feed": {},
  "GET /comments": {},
  "GET /comments/:id": aComment,
  "PATCH /comments/:id": { body: { body: "Relaunch it soon" }, ...aComment },
  "DELETE /comments/:id": aComment,
  "GET /comments/:id/history": aComment,
  "GET /projects/:id/comments": aProject,
  "POST /projects/:id/comments": { body: { body: "Relaunch it" }, ...aProject },
  "GET /projects/:id/comments/:commentId": aCommentOfProject,
  "PATCH /projects/:id/comments/:commentId": {
    body: { body: "Relaunch it soon" },
    ...aCommentOfProject,
  },
  "DELETE /projects/:id/comments/:commentId": aCommentOfProject,
  "GET /projects/:id/comments/:commentId/history": aCommentOfProject,
  "GET /tasks": {},
  "GET /tasks/:id": aTask,
  "PATCH /tasks/:id": { body: { status: "in_progress" }, ...aTask },
  "DELETE /tasks/:id": aTask,
  "POST /tasks/:id/move": { body: { status: "in_review" }, ...aTask },
  "POST /tasks/:id/depends-on/:otherTaskId": {
    ...aTask,
    inner: { otherTaskId: { subject: besideTask("id"), missing: noTask } },
  },
  "DELETE /tasks/:id/depends-on/:otherTaskId": {
    ...aTask,
    inner: { otherTaskId: { subject: waitedFor("id"), missing: noTask } },
  },
  "GET /tasks/:id/attachments": aTask,
  "POST /tasks/:id/attachments": { body: externalAttachment, ...aTask },
  "DELETE /tasks/:id/attachments/:attachmentId": {
    ...aTask,
    inner: { attachmentId: { subject: fileOf("id"), missing: noTask } },
  },
  "GET /projects/:id/tasks/:taskId/attachments": aTaskOfProject,
  "POST /projects/:id/tasks/:taskId/attachments": { body: externalAttachment, ...aTaskOfProject },
  "DELETE /projects/:id/tasks/:taskId/attachments/:attachmentId": {
    ...aProject,
    inner: { taskId: aTask, attachmentId: { subject: fileOf("taskId"), missing: noTask } },
  },
  "GET /projects/:id/tasks": aProject,
  "POST /projects/:id/tasks": { body: { title: "Draft the sitemap" }, ...aProject },
  "POST /projects/:id/tasks/bulk": { body: { items: [{ title: "Draft" }] }, ...aProject },
  "GET /projects/:id/tasks/:taskId": aTaskOfProject,
  "PATCH /projects/:id/tasks/:taskId": { body: { priority: "high" }, ...aTaskOfProject },
  "DELETE /projects/:id/tasks/:taskId": aTaskOfProject,
  "POST /projects/:id/tasks/:taskId/move": { body: { status: "in_review" }, ...aTaskOfProject },
  "POST /projects/:id/tasks/:taskId/depends-on/:otherTaskId": {
    ...aProject,
    inner: { taskId: aTask, otherTaskId: { subject: besideTask("taskId"), missing: noTask } },
  },
  "DELETE /projects/:id/tasks/:taskId/depends-on/:otherTaskId": {
    ...aProject,
    inner: { taskId: aTask, otherTaskId: { subject: waitedFor("taskId"), missing: noTask } },
  },
  "GET /projects/:id/tasks/labels": aProject,
  "POST /projects/:id/tasks/labels": { body: { name: "Design" }, ...aProject },
  "GET /projects/:id/tasks/labels/:labelId": aLabelOfProject,
  "PATCH /projects/:id/tasks/labels/:labelId": { body: { color: "#1e90ff" }, ...aLabelOfProject },
  "DELETE /projects/:id/tasks/labels/:labelId": aLabelOfProject,
  "GET /portal/users": {},
  "GET /portal/users/:id": aPortalUser,
  "PATCH /portal/users/:id": { body: { status: "inactive" }, ...aPortalUser },
  "DELETE /portal/users/:id": aPortalUser,
  "DELETE /portal/users/:id/sessions": aPortalUser,
  "GET /portal/sessions": {},
  "DELETE /portal/sessions/:id": aPortalSession,
  "GET /invoices": {},
  "POST /invoices": { body: sale },
  "GET /invoices/:id": aDraft,
  "PATCH /invoices/:id": { body: { notes: "x" }, ...aDraft },
  "POST /invoices/:id/send": { body: {}, ...aDraft },
  "POST /invoices/:id/remind": { body: {}, ...aSentInvoice },
  "POST /invoices/:id/pay": { body: { paymentMethod: "card" }, ...aSentInvoice },
  "POST /invoices/:id/cancel": { body: {}, ...aDraft },
  "POST /invoices/:id/write-off": { body: {}, ...aSentInvoice },
  "POST /invoices/:id/copy": { body: {}, ...aDraft },
  "GET /invoices/:id/payments": aSentInvoice,
  "POST /invoices/:id/credit-notes": { body: {}, ...aSentInvoice },
  "GET /invoices/:id/credit-notes": aSentInvoice,
  "GET /credit-notes": {},
  "GET /credit-notes/:id": { subject: creditNote, missing },
  "POST /credit-notes/:id/send": { body: {}, subject: creditNote, missing },
  "GET /notifications": {},
  "GET /notifications/:id": aMessage,
  "GET /notifications/suppressions": {},
  "GET /quotes": {},
  "POST /quotes": { body: sale },
  "GET /quotes/:id": aQuote,
  "PATCH /quotes/:id": { body: { notes: "x" }, ...aQuote },
  "POST /quotes/:id/send": { body: {}, ...aQuote },
  "POST /quotes/:id/accept": aSentQuote,
  "POST /quotes/:id/decline": { body: {}, ...aSentQuote },
  "POST /quotes/:id/cancel": { body: {}, ...aQuote },
  "POST /quotes/:id/invoice": { body: {}, ...anAcceptedQuote },
  "GET /recurring-invoices": {},
  "POST /recurring-invoices": { body: recurring },
  "GET /recurring-invoices/:id": aTemplate,
  "PATCH /recurring-invoices/:id": { body: { notes: "x" }, ...aTemplate },
  "POST /recurring-invoices/:id/pause": aTemplate,
  "POST /recurring-invoices/:id/resume": aPausedTemplate,
  "POST /recurring-invoices/:id/end": aTemplate,
  "GET /reports/revenue": aYear,
  "GET /reports/tax": aYear,
  "GET /search/comments": { query: "q=relaunch" },
  "GET /search/tasks": { query: "q=relaunch" },
  "GET /search/projects": { query: "q=relaunch" },
  "GET /reports/revenue-by": { query: "by=clients&from=2026-01&to=2026-12" },
  "GET /reports/open-items": { query: "asOf=2026-01-31" },
  "GET /crm/contacts/:id/statement": { query: "from=2026-01-01&to=2026-12-31", ...aContact },
  "GET /crm/organizations/:id/statement": {
    query: "from=2026-01-01&to=2026-12-31",
    ...anOrganization,
  },
  "GET /crm/contacts/:id/balance": aContact,
  "GET /crm/organizations/:id/balance": anOrganization,
  "GET /integrity": {},
  "GET /payments/unmatched": {},
  "GET /organization/payment-providers": {},
  "PUT /organization/payment-providers/stripe": {
    body: { secretKey: "sk_test_example", webhookSecret: "whsec_example" },
  },
  "PUT /organization/payment-providers/generic": {
    body: { webhookSecret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" },
  },
  "POST /payments/unmatched/:id/dismiss": { body: {}, subject: unmatchedPayment, missing },
  "POST /invoices/:id/payment-link": aSentInvoice,
  "GET /invoices/:id/payment-link": { subject: linkedInvoice, missing },
  "POST /attachments/presign": {
    body: { fileName: "plan.pdf", contentType: "application/pdf", size: 3 },
  },
  "POST /attachments": { body: externalAttachment },
  "GET /attachments": {},
  "GET /attachments/:id": anAttachment,
  "GET /attachments/:id/presign": anAttachment,
  "PATCH /attachments/:id": { body: { fileName: "x.pdf" }, ...anAttachment },
  "DELETE /attachments/:id": anAttachment,
  "GET /webhooks": {},
  "POST /webhooks": { body: webhookBody },
  "GET /webhooks/event-types": {},
  "GET /webhooks/incoming": {},
  "GET /webhooks/:id": aWebhook,
  "PATCH /webhooks/:id": { body: { ordered: true }, ...aWebhook },
  "DELETE /webhooks/:id": aWebhook,
  "POST /webhooks/:id/rotate-secret": { body: { overlapSeconds: 0 }, ...aWebhook },
  "POST /webhooks/:id/test": aWebhook,
  "POST /webhooks/:id/replay": { body: { since: Date.now() - 1000 }, ...aWebhook },
  "GET /webhooks/:id/deliveries": aWebhook,
  "POST /webhooks/deliveries/:id/resend": { subject: delivery, missing: webhook },
  "GET /tenants/:id": aTenant,
  "PATCH /tenants/:id": { body: { name: "Studio" }, ...aTenant },
  "GET /tenants/:id/members": aTenant,
  "GET /tenants/:id/invites": aTenant,
  "GET /audit": {},
  "GET /audit/verify": {},
  "GET /organization": {},
  "PATCH /organization": { body: { name: "Studio" } },
  "GET /organization/logo": {},
  "DELETE /organization/logo": {},
  "GET /sync/pull": {},
  "GET /sync/status": {},
  "POST /sync/push": { body: { deviceId: "d1", changes: [pushedContact] } },
  "GET /conflicts": {},
  "POST /conflicts/:id/resolve": { body: { keep: "client" }, subject: conflict, missing: contact },
  "GET /api-keys": {},
  "POST /api-keys": { body: { name: "k", scopes: ["crm:read"] } },
  "DELETE /api-keys/:id": aKey,
  "POST /api-keys/:id/rotate": { body: { overlapSeconds: 0 }, ...aKey },
};

export type Route = MountedEndpoint & { scope: Scope; title: string; example: Example };

/** Routes that answer a file: whoever may not have it gets an answer like any other. */
export const FILE_EXAMPLES: Record<string, Example> = {
  "GET /invoices/:id/pdf": aDraft,
  "GET /invoices/:id/xml": aDraft,
  "GET /invoices/:id/reminder": aSentInvoice,
  "GET /credit-notes/:id/pdf": { subject: creditNote, missing },
  "GET /credit-notes/:id/xml": { subject: creditNote, missing },
  "GET /quotes/:id/pdf": aQuote,
};

/** All of staff and API keys, also those that take or answer what is not JSON. */
export const staffRoutes: Route[] = endpoints
  .filter(
    (endpoint): endpoint is MountedEndpoint & { scope: Scope } =>
      endpoint.scope !== null &&
      ["api_key", "user"].every((kind) =>
        (endpoint.callers ?? DEFAULT_CALLERS).some((taken) => taken === kind),
      ),
  )
  .map((endpoint) => {
    const title = `${endpoint.method} ${endpoint.path}`;
    return { ...endpoint, title, example: EXAMPLES[title] ?? FILE_EXAMPLES[title] ?? {} };
  });

/** The routes of staff and API keys; those of the portal's sign-in are told in `test/portal`. */
export const routes = staffRoutes.filter(
  ({ title, raw, streams, files }) => !raw && !streams && !files && !TOLD_ELSEWHERE.includes(title),
);

/** The route's path, for something that the request's own tenant has made. */
export async function pathOf({ path, example }: Route, request: Request): Promise<string> {
  const params: Params = {};
  const { subject, inner = {}, query } = example;
  if (subject) params["id"] = await subject(request);
  for (const [name, made] of Object.entries(inner)) {
    params[name] = await made.subject(request, params);
  }
  const address = path.replace(/:(\w+)/g, (name, param: string) => params[param] ?? name);
  return query === undefined ? address : `${address}?${query}`;
}
