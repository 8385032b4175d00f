/** All mounted routes, each with what it takes to try it with ids that are not one's own. */
import * as z from "zod";
import { endpoints } from "../../convex/api/endpoints";
import { DEFAULT_CALLERS } from "../../convex/kit/caller";
import type { MountedEndpoint } from "../../convex/kit/mount";
import type { Request, RequestOptions } from "./answer";
import {
  aComment,
  aContact,
  aDraft,
  aMessage,
  anAttachment,
  anOrganization,
  aPortalUser,
  aLabel,
  aProject,
  aProjectTemplate,
  aTeamMember,
  aTask,
  aTenant,
  contact,
  DEVICE,
  type Example,
  EXAMPLES,
  FILE_EXAMPLES,
  message,
  type Reference,
  unmatchedPayment,
} from "./routes";
import { signedEvent } from "./webhooks";

let serial = 0;
const tenantPath = async (request: Request): Promise<string> =>
  `/tenants/${await aTenant.subject(request)}`;
const made = async (request: Request, path: string, body: object): Promise<string> =>
  (await request("POST", path, { body })).body.data.id;

const aDevice: Reference = {
  subject: async (request) => {
    serial += 1;
    const body = { ...DEVICE, deviceId: `device${serial}` };
    return await made(request, `${await tenantPath(request)}/activate`, body);
  },
  missing: contact,
};
const anInvite: Reference = {
  subject: async (request) => {
    serial += 1;
    const body = { email: `guest${serial}@x.test`, role: "viewer" };
    return await made(request, `${await tenantPath(request)}/invite`, body);
  },
  missing: contact,
};
const aMember: Reference = {
  subject: async (request) => {
    const { body } = await request("GET", `${await tenantPath(request)}/members`);
    return body.data[0]?.userId ?? "";
  },
  missing: contact,
};
const aSession: Reference = {
  subject: async (request) => (await request("GET", "/auth/sessions")).body.data[0]?.id ?? "",
  missing: contact,
};
const anUpload: Reference = {
  subject: async (request) => {
    const body = { fileName: "plan.pdf", contentType: "application/pdf", size: 3 };
    const answer = await request("POST", "/attachments/presign", { body });
    return (answer.body.data as unknown as { attachmentId: string }).attachmentId;
  },
  missing: contact,
};
/** An address whose owner has complained, as Resend tells it. */
const aSuppression: Reference = {
  subject: async (request) => {
    serial += 1;
    const billTo = { name: "Zoe", email: `zoe${serial}@x.test` };
    const lineItems = [{ description: "Work", quantity: 1, unitPriceInCents: 100 }];
    const invoice = await made(request, "/invoices", { type: "b2c_single", lineItems, billTo });
    const sent = await request("POST", `/invoices/${invoice}/send`);
    const [id] = (sent.body.data as unknown as { notificationIds: string[] }).notificationIds;
    const tags = { notification_id: id };
    const event = { type: "email.complained", data: { email_id: "e1", tags } };
    const secret = process.env["RESEND_WEBHOOK_SECRET"] ?? "";
    await request("POST", "/webhooks/resend", signedEvent(event, { secret, prefix: "svix" }));
    return (await request("GET", "/notifications/suppressions")).body.data[0]?.id ?? "";
  },
  missing: contact,
};
const aCopy: Reference = {
  subject: async (request) => (await request("POST", "/profile/export")).body.data.id,
  missing: contact,
};
const aPayment: Reference = { subject: unmatchedPayment, missing: contact };

type Whole = Omit<Example, "subject" | "missing" | "inner"> & {
  /** By the name of the path's parameter. */
  ids?: Record<string, Reference>;
  raw?: string;
};

const CREDENTIAL = { id: "AA", rawId: "AA", type: "public-key" };
const CREATED = { ...CREDENTIAL, response: { clientDataJSON: "AA", attestationObject: "AA" } };
const ASSERTED = {
  ...CREDENTIAL,
  response: { clientDataJSON: "AA", authenticatorData: "AA", signature: "AA" },
};

/** What `EXAMPLES` does not have: files, uploads, streams, and what takes one kind of caller alone. */
const OTHERS: Record<string, Whole> = {
  "POST /crm/contacts/:id/merge": { ids: { id: aContact }, body: { sourceId: "missing" } },
  "POST /tasks": { body: { projectId: "missing", title: "Draft the sitemap" } },
  "POST /projects/from-template": { body: { templateId: "missing", name: "Relaunch" } },
  "POST /tasks/:id/timer/start": { body: {}, ids: { id: aTask } },
  "POST /tasks/:id/timer/stop": { body: {}, ids: { id: aTask } },
  "POST /projects/:id/tasks/:taskId/timer/start": {
    ...{ body: {}, ids: { id: aProject, taskId: aTask } },
  },
  "POST /projects/:id/tasks/:taskId/timer/stop": {
    ...{ body: {}, ids: { id: aProject, taskId: aTask } },
  },
  "POST /comments": { body: { entityId: "missing", body: "Relaunch it" } },
  "POST /comments/follow": {
    body: { entityType: "project", entityId: "missing", level: "all" },
  },
  "POST /comments/read": { body: { entityType: "project", entityId: "missing" } },
  "GET /comments/unread": {},
  "POST /comments/:id/star": { ids: { id: aComment } },
  "DELETE /comments/:id/star": { ids: { id: aComment } },
  "POST /projects/:id/comments/:commentId/star": { ids: { id: aProject, commentId: aComment } },
  "DELETE /projects/:id/comments/:commentId/star": { ids: { id: aProject, commentId: aComment } },
  "POST /projects/:id/favorite": { ids: { id: aProject } },
  "DELETE /projects/:id/favorite": { ids: { id: aProject } },
  "GET /favorites": {},
  "GET /crm/contacts/export": {},
  "POST /crm/contacts/import": { raw: "firstName\nAda\n" },
  "POST /organization/logo": { raw: "no picture" },
  "POST /notifications/:id/resend": { body: {}, ids: { id: aMessage } },
  "DELETE /notifications/suppressions/:id": { ids: { id: aSuppression } },
  "POST /notifications/mark-read": { body: { ids: ["missing"] } },
  "POST /notifications/mark-all-read": {},
  "GET /notifications/settings": {},
  "PATCH /notifications/settings": { body: { events: {} } },
  "POST /attachments/complete": { body: { attachmentId: "missing" } },
  "GET /audit/export": {},
  "GET /admin/logs/audit": {},
  "GET /admin/incoming": {},
  "GET /admin/payments/unplaced": {},
  "DELETE /organization/payment-providers/stripe": {},
  "DELETE /organization/payment-providers/generic": {},
  "POST /auth/sync-user": {
    body: { email: "pia@x.test", name: "Pia", oauthProvider: "google", oauthId: "1" },
  },
  "POST /auth/validate-token": {},
  "GET /auth/validate-token": {},
  "GET /auth/user": {},
  "GET /profile": {},
  "POST /profile/delete": { body: { confirm: "delete" } },
  "POST /profile/export": {},
  "GET /profile/exports/:id": { ids: { id: aCopy } },
  "POST /auth/merge/token": {},
  "POST /auth/access-token": {},
  "POST /auth/merge": { body: { token: "unknown" } },
  "PATCH /profile": { body: { locale: "de-DE" } },
  "POST /auth/sign-out": {},
  "POST /tenants/:id/activate": { ids: { id: aTenant }, body: DEVICE },
  "GET /devices": {},
  "PATCH /devices/:id": { ids: { id: aDevice }, body: { name: "Tablet" } },
  "DELETE /devices/:id": { ids: { id: aDevice } },
  "GET /tenants": {},
  "POST /tenants": { body: { name: "Studio" } },
  "PATCH /tenants/:id/members/:userId": {
    ids: { id: aTenant, userId: aMember },
    body: { role: "owner" },
  },
  "DELETE /tenants/:id/members/:userId": { ids: { id: aTenant, userId: aMember } },
  "POST /tenants/:id/invite": {
    ids: { id: aTenant },
    body: { email: "new@x.test", role: "viewer" },
  },
  "POST /tenants/:id/invites/:inviteId/resend": { ids: { id: aTenant, inviteId: anInvite } },
  "DELETE /tenants/:id/invites/:inviteId": { ids: { id: aTenant, inviteId: anInvite } },
  "POST /tenants/invites/accept": { body: { token: "unknown" } },
  "POST /auth/register": { body: { email: "new@x.test", password: "Linden-47-Nord", name: "Nia" } },
  "POST /auth/login": { body: { email: "owner@studio.test", password: "Wrong" } },
  "POST /auth/refresh": { body: { refreshToken: "unknown" } },
  "POST /auth/logout": { body: {} },
  "POST /auth/reauthenticate": { body: { password: "Wrong" } },
  "POST /auth/verify-email": { body: { token: "unknown" } },
  "POST /auth/verify-email/resend": {},
  "POST /auth/forgot-password": { body: { email: "nobody@x.test" } },
  "POST /auth/magic-link": { body: { email: "nobody@x.test" } },
  "POST /auth/reset-password": { body: { token: "unknown", password: "Linden-47-Nord" } },
  "POST /auth/unlock": { body: { token: "unknown" } },
  "POST /auth/change-password": {
    body: { currentPassword: "Wrong", newPassword: "Linden-47-Nord" },
  },
  "POST /auth/change-email": { body: { email: "new@x.test", password: "Wrong" } },
  "GET /auth/sessions": {},
  "DELETE /auth/sessions": {},
  "DELETE /auth/sessions/:id": { ids: { id: aSession } },
  "GET /sessions": {},
  "DELETE /sessions": {},
  "DELETE /sessions/:id": { ids: { id: aSession } },
  "POST /auth/session-token": {},
  "POST /auth/session-exchange": { body: { token: "unknown" } },
  "POST /auth/mfa/totp": {},
  "POST /auth/mfa/totp/confirm": { body: { code: "000000" } },
  "POST /auth/mfa/totp/disable": { body: { code: "000000" } },
  "POST /auth/mfa/recovery-codes": {},
  "POST /auth/mfa/verify": { body: { mfaToken: "unknown", code: "000000" } },
  "POST /auth/passkeys/options": {},
  "POST /auth/passkeys": { body: { challengeId: "unknown", name: "Key", credential: CREATED } },
  "GET /auth/passkeys": {},
  // Added by a person with an authenticator: see test/accounts/passkeys.test.ts.
  "DELETE /auth/passkeys/:id": { ids: { id: aContact } },
  "POST /auth/passkeys/login/options": { body: {} },
  "POST /auth/passkeys/login": { body: { challengeId: "unknown", credential: ASSERTED } },
  "GET /auth/connections": {},
  "GET /crm/contacts/:id/events": { ids: { id: aContact } },
  // Only a provider's callback makes one: what is somebody else's is tried in test/oauth.
  "DELETE /auth/connections/:id": { ids: { id: aContact } },
  "GET /user/me": {},
  "GET /auth/me": {},
  "DELETE /projects/:id/team/:userId": { ids: { id: aProject, userId: aTeamMember } },
  "GET /search": { query: "q=relaunch" },
  "POST /payments/unmatched/:id/match": { ids: { id: aPayment }, body: { invoiceId: "missing" } },
};

/** Fields of queries and bodies that take ids of ours, by their name. */
const FIELDS: Record<string, Reference> = {
  actorId: { subject: EXAMPLES["DELETE /api-keys/:id"]?.subject ?? contact, missing: contact },
  assigneeIds: aMember,
  attachmentId: anUpload,
  avatarAttachmentId: anAttachment,
  clientOrgId: anOrganization,
  contactId: aContact,
  contactIds: aContact,
  crmContactId: aContact,
  crmOrganizationId: anOrganization,
  entityId: aProject,
  id: aContact,
  ids: aMessage,
  invoiceId: aDraft,
  labelIds: aLabel,
  objectId: aContact,
  ownerId: aContact,
  parentId: aComment,
  parentTaskId: aTask,
  projectId: aProject,
  senderConnectionId: aContact,
  sourceId: aContact,
  templateId: aProjectTemplate,
  taskId: aTask,
  userId: aPortalUser,
};
/** Fields whose name alone does not say what they take, or whose schema does not name them. */
const FIELDS_AT: Record<string, Record<string, Reference>> = {
  "POST /projects/from-template": { "body.members.0.userId": aMember },
  "POST /tasks": { "body.dependsOn.0": aTask },
  "PATCH /tasks/:id": { "body.dependsOn.0": aTask },
  "POST /tasks/:id/move": { "body.before": aTask, "body.after": aTask },
  "POST /projects/:id/tasks": { "body.dependsOn.0": aTask },
  "POST /projects/:id/tasks/bulk": { "body.items.0.id": aTask, "body.items.0.dependsOn.0": aTask },
  "PATCH /projects/:id/tasks/:taskId": { "body.dependsOn.0": aTask },
  "GET /time-entries": { "query.userId": aMember },
  "POST /tasks/:id/time": { "body.userId": aMember },
  "POST /tasks/:id/timer/start": { "body.userId": aMember },
  "POST /tasks/:id/timer/stop": { "body.userId": aMember },
  "POST /projects/:id/tasks/:taskId/time": { "body.userId": aMember },
  "POST /projects/:id/tasks/:taskId/timer/start": { "body.userId": aMember },
  "POST /projects/:id/tasks/:taskId/timer/stop": { "body.userId": aMember },
  "POST /projects/:id/tasks/:taskId/move": { "body.before": aTask, "body.after": aTask },
  "POST /crm/organizations/bulk": { "body.items.0.id": anOrganization },
  // A deleted object has its entries, and its tombstone: what is missing is of another table.
  "GET /audit": { "query.objectId": { subject: contact, missing: message } },
  "GET /audit/export": { "query.objectId": { subject: contact, missing: message } },
  "POST /sync/push": {
    "body.changes.0.id": { subject: contact, missing: message },
    "body.changes.0.data.customProperties.crmOrganizationId": anOrganization,
  },
};
/** Names that end as those of ids do, and are none of ours. */
const NO_IDS: Record<string, string> = {
  challengeId: "of one caller's sign-in, and used up with it",
  changeId: "the device's own name for its change",
  clientId: "the device's own name for what it creates",
  deviceId: "the device's own name for itself, among those of its user",
  eventId: "the integration's own",
  oauthId: "the sign-in provider's",
  rawId: "the authenticator's own",
  storageId: "what the storage answered to an upload; it is claimed once, with its attachment",
  taxId: "the tax office's",
  transactionId: "the bank's",
  vatId: "the tax office's",
};

export type WholeRoute = MountedEndpoint & {
  title: string;
  example: Whole;
  caller: "api_key" | "user" | "portal_user";
};

export const wholeRoutes: WholeRoute[] = endpoints.map((endpoint) => {
  const title = `${endpoint.method} ${endpoint.path}`;
  const callers = endpoint.callers ?? DEFAULT_CALLERS;
  const kinds = ["api_key", "user", "portal_user"] as const;
  const caller = kinds.find((kind) => callers.includes(kind)) ?? "user";
  return { ...endpoint, title, caller, example: exampleOf(title) };
});

/** The titles that have an entry, whether or not there is such a route. */
export const known = Object.keys({ ...EXAMPLES, ...FILE_EXAMPLES, ...OTHERS });

function exampleOf(title: string): Whole {
  const { subject, missing, inner, ...rest } = EXAMPLES[title] ?? FILE_EXAMPLES[title] ?? {};
  if (!subject || !missing) return OTHERS[title] ?? rest;
  return { ...rest, ids: { id: { subject, missing }, ...inner } };
}

/** One place of a route that takes an id: `path.id`, `query.contactId`, `body.items.0.id`. */
export type Place = { route: WholeRoute; at: readonly string[]; reference: Reference };

/** All places but those of administrators, who are of no tenant and see every one's. */
export const places: Place[] = wholeRoutes
  .filter(({ path }) => !path.startsWith("/admin/"))
  .flatMap(placesOf);

function placesOf(route: WholeRoute): Place[] {
  const { title, example } = route;
  const apart = FIELDS_AT[title] ?? {};
  const byName = (["query", "body"] as const)
    .flatMap((part) => idFields(route, part))
    .filter((at) => !(at in apart))
    .map((at): [string, Reference] => {
      const reference = FIELDS[nameOf(at)];
      if (!reference) throw new Error(`${title}: is ${at} an id of ours?`);
      return [at, reference];
    });
  const inPath = Object.entries(example.ids ?? {}).map(([name, reference]): [string, Reference] => [
    ...([`path.${name}`, reference] as const),
  ]);
  return [...inPath, ...Object.entries(apart), ...byName].map(([at, reference]) => ({
    ...{ route, at: at.split("."), reference },
  }));
}

/** The field's name, without the place in an array. */
function nameOf(at: string): string {
  return at.split(".").findLast((step) => step !== "0") ?? "";
}

function idFields(route: WholeRoute, part: "query" | "body"): string[] {
  const schema = part === "body" ? (route.documentedBody ?? route.body) : route.query;
  if (!schema) return [];
  const json = z.toJSONSchema(schema(), { io: "input", unrepresentable: "any" }) as Json;
  const fields = new Set(fieldsOf(json, json, [part]).map((at) => at.join(".")));
  return [...fields].filter((at) => /^id$|Id$|^ids$|Ids$/.test(nameOf(at)) && !NO_IDS[nameOf(at)]);
}

type Json = {
  type?: string;
  $ref?: string;
  $defs?: Record<string, Json>;
  properties?: Record<string, Json>;
  items?: Json;
  anyOf?: Json[];
  oneOf?: Json[];
};

/** The path of every field that is no object; the first entry stands for all of an array. */
function fieldsOf(schema: Json, whole: Json, at: string[]): string[][] {
  const named = schema.$ref === undefined ? undefined : schema.$ref.split("/").at(-1);
  if (named !== undefined) return fieldsOf(whole.$defs?.[named] ?? {}, whole, at);
  const choices = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
  if (choices.length > 0) return choices.flatMap((choice) => fieldsOf(choice, whole, at));
  if (schema.items) return fieldsOf(schema.items, whole, [...at, "0"]);
  if (!schema.properties) return schema.type === "null" ? [] : [at];
  return Object.entries(schema.properties).flatMap(([name, field]) =>
    fieldsOf(field, whole, [...at, name]),
  );
}

/** A request of the route; its path's parameters are filled, and `id` stands where it is tried. */
export function requestOf(
  { example, path, raw }: WholeRoute,
  params: Record<string, string>,
  tried?: { at: readonly string[]; id: string },
): { path: string; options: RequestOptions } {
  const [part, ...at] = tried?.at ?? [];
  const named = part === "path" && tried ? { ...params, [at[0] ?? ""]: tried.id } : params;
  const filled = path.replace(/:(\w+)/g, (_all, name: string) => named[name] ?? "some-id");
  const query = new URLSearchParams(example.query);
  if (part === "query" && tried) query.set(at[0] ?? "", tried.id);
  const body = part === "body" && tried ? withValue(example.body, at, tried.id) : example.body;
  const upload = {
    raw: example.raw ?? "",
    headers: { "Content-Type": Object.keys(raw ?? {})[0] ?? "" },
  };
  return {
    path: query.size > 0 ? `${filled}?${query}` : filled,
    options: raw ? upload : body === undefined ? {} : { body },
  };
}

function withValue(whole: unknown, [step, ...rest]: readonly string[], value: string): unknown {
  if (step === undefined) return value;
  if (step === "0") return [withValue((whole as unknown[] | undefined)?.[0], rest, value)];
  const fields = whole as Record<string, unknown> | undefined;
  return { ...fields, [step]: withValue(fields?.[step], rest, value) };
}
