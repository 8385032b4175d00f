import { beforeEach, describe, expect, test } from "vitest";
import type { Doc } from "../../convex/_generated/dataModel";
import { dataIn, previousIn } from "../../convex/ontology/eventData";
import { isEventType } from "../../convex/ontology/eventTypes";
import { type Fixture, newBackend, newMember, requestsOf } from "../helpers/backend";
import { pathOf, routes } from "../helpers/routes";

let home: Fixture;

beforeEach(async () => {
  home = await newBackend();
});

const TRACE = "trace-of-this-test";
const traced = { headers: { "X-Request-Id": TRACE } };

async function trail(): Promise<{ audit: Doc<"auditLogs">[]; events: Doc<"events">[] }> {
  return await home.backend.run(async ({ db }) => ({
    audit: (await db.query("auditLogs").collect()).filter(({ traceId }) => traceId === TRACE),
    events: (await db.query("events").collect()).filter(({ traceId }) => traceId === TRACE),
  }));
}

const ACTIONS: Record<string, string[]> = {
  "POST /crm/contacts": ["contact.created"],
  "POST /crm/contacts/from-event": ["contact.created", "contact.registered"],
  "PATCH /crm/contacts/:id": ["contact.updated"],
  "DELETE /crm/contacts/:id": ["contact.deleted"],
  "POST /crm/contacts/bulk": ["contact.created"],
  "POST /crm/contacts/:id/erase": ["contact.deleted", "contact.erased", "audit.erased"],
  "POST /crm/contacts/merges/:id/undo": ["contact.updated", "contact.restored", "contact.unmerged"],
  "POST /crm/organizations/bulk": ["crm_organization.created"],
  "POST /crm/organizations": ["crm_organization.created"],
  "PATCH /crm/organizations/:id": ["crm_organization.updated"],
  "DELETE /crm/organizations/:id": ["crm_organization.deleted"],
  "POST /projects": ["project.created"],
  "PATCH /projects/:id": ["project.updated"],
  "POST /projects/:id/archive": ["project.archived"],
  "DELETE /projects/:id": ["project.deleted"],
  "POST /projects/:id/tags": ["project.updated"],
  "POST /projects/:id/team/invite": ["invite.created", "project.member_invited"],
  "PATCH /projects/:id/team/:userId": ["project.member_changed"],
  "DELETE /projects/:id/tags/:tagId": ["project.updated"],
  "POST /projects/:id/template": ["project_template.created"],
  "PATCH /projects/templates/:id": ["project_template.updated"],
  "DELETE /projects/templates/:id": ["project_template.deleted"],
  // An address of one's own, which changes nothing of the organization.
  "POST /calendar/feed": [],
  "DELETE /calendar/feed": [],
  "PATCH /comments/:id": ["comment.updated"],
  "DELETE /comments/:id": ["comment.deleted"],
  "POST /projects/:id/comments": ["comment.created"],
  "PATCH /projects/:id/comments/:commentId": ["comment.updated"],
  "DELETE /projects/:id/comments/:commentId": ["comment.deleted"],
  "PATCH /tasks/:id": ["task.updated"],
  "DELETE /tasks/:id": ["task.deleted"],
  "POST /tasks/:id/move": ["task.updated"],
  "POST /tasks/:id/depends-on/:otherTaskId": ["task.updated"],
  "DELETE /tasks/:id/depends-on/:otherTaskId": ["task.updated"],
  "POST /tasks/:id/time": ["time_entry.created", "task.updated"],
  "POST /projects/:id/tasks/:taskId/time": ["time_entry.created", "task.updated"],
  "PATCH /time-entries/:id": ["time_entry.updated"],
  "DELETE /time-entries/:id": ["time_entry.deleted", "task.updated"],
  "POST /projects/:id/invoice": ["invoice.created", "time_entry.billed"],
  "POST /tasks/:id/attachments": ["attachment.created"],
  "DELETE /tasks/:id/attachments/:attachmentId": ["attachment.deleted"],
  "POST /projects/:id/tasks/:taskId/attachments": ["attachment.created"],
  "DELETE /projects/:id/tasks/:taskId/attachments/:attachmentId": ["attachment.deleted"],
  "POST /projects/:id/tasks": ["task.created"],
  "POST /projects/:id/tasks/bulk": ["task.created"],
  "PATCH /projects/:id/tasks/:taskId": ["task.updated"],
  "DELETE /projects/:id/tasks/:taskId": ["task.deleted"],
  "POST /projects/:id/tasks/:taskId/move": ["task.updated"],
  "POST /projects/:id/tasks/:taskId/depends-on/:otherTaskId": ["task.updated"],
  "DELETE /projects/:id/tasks/:taskId/depends-on/:otherTaskId": ["task.updated"],
  "POST /projects/:id/tasks/labels": ["task_label.created"],
  "PATCH /projects/:id/tasks/labels/:labelId": ["task_label.updated"],
  "DELETE /projects/:id/tasks/labels/:labelId": ["task_label.deleted"],
  "PATCH /portal/users/:id": ["frontend_user.updated", "frontend_user.signed_out"],
  "DELETE /portal/users/:id": ["frontend_user.signed_out", "frontend_user.deleted"],
  "DELETE /portal/users/:id/sessions": ["frontend_user.signed_out"],
  "DELETE /portal/sessions/:id": ["frontend_user.signed_out"],
  "POST /invoices": ["invoice.created"],
  "PATCH /invoices/:id": ["invoice.updated"],
  "POST /invoices/:id/send": ["invoice.sent"],
  "POST /invoices/:id/remind": ["invoice.reminded"],
  "POST /invoices/:id/pay": ["payment.created", "invoice.paid"],
  "POST /invoices/:id/cancel": ["invoice.cancelled"],
  "POST /invoices/:id/write-off": ["payment.created", "invoice.paid"],
  "POST /invoices/:id/copy": ["invoice.created"],
  "POST /invoices/:id/credit-notes": ["credit_note.created", "invoice.paid"],
  "POST /credit-notes/:id/send": ["credit_note.sent"],
  "POST /quotes": ["quote.created"],
  "PATCH /quotes/:id": ["quote.updated"],
  "POST /quotes/:id/send": ["quote.sent"],
  "POST /quotes/:id/accept": ["quote.accepted"],
  "POST /quotes/:id/decline": ["quote.declined"],
  "POST /quotes/:id/cancel": ["quote.cancelled"],
  "POST /quotes/:id/invoice": ["invoice.created", "quote.invoiced"],
  "POST /recurring-invoices": ["recurring_invoice.created"],
  "PATCH /recurring-invoices/:id": ["recurring_invoice.updated"],
  "POST /recurring-invoices/:id/pause": ["recurring_invoice.paused"],
  "POST /recurring-invoices/:id/resume": ["recurring_invoice.resumed"],
  "POST /recurring-invoices/:id/end": ["recurring_invoice.ended"],
  "POST /payments/unmatched/:id/dismiss": ["incoming_payment.dismissed"],
  "POST /invoices/:id/payment-link": [],
  "POST /attachments/presign": ["attachment.upload_permitted"],
  "POST /attachments": ["attachment.created"],
  "PATCH /attachments/:id": ["attachment.updated"],
  "DELETE /attachments/:id": ["attachment.deleted"],
  "POST /webhooks": ["webhook.created"],
  "PATCH /webhooks/:id": ["webhook.updated"],
  "DELETE /webhooks/:id": ["webhook.deleted"],
  "POST /webhooks/:id/rotate-secret": ["webhook.secret_rotated"],
  "POST /webhooks/:id/test": ["webhook.tested"],
  "POST /webhooks/:id/replay": ["webhook.replayed"],
  "POST /webhooks/deliveries/:id/resend": ["webhook.tested"],
  "PATCH /organization": ["organization.updated"],
  "PUT /organization/payment-providers/stripe": ["payment_provider.created"],
  "PUT /organization/payment-providers/generic": ["payment_provider.created"],
  // Of a logo that there was: see test/delivery/logo.test.ts.
  "DELETE /organization/logo": [],
  "PATCH /tenants/:id": ["organization.updated"],
  "POST /sync/push": ["contact.created"],
  "POST /conflicts/:id/resolve": ["contact.updated", "conflict.resolved"],
  "POST /api-keys": ["api_key.created"],
  "DELETE /api-keys/:id": ["api_key.revoked"],
  "POST /api-keys/:id/rotate": ["api_key.created", "api_key.revoked"],
};
const writing = routes
  .filter(({ kind }) => kind === "mutation")
  .map((route) => [route.title, route] as const);

test("every writing route has its audit actions here", () => {
  expect(Object.keys(ACTIONS).sort()).toEqual(writing.map(([title]) => title).sort());
});

test.each(writing)(
  "%s leaves its audit entries, with actor, request id, address and agent",
  async (title, route) => {
    const path = await pathOf(route, home.request);
    const { body } = route.example;
    const from = { ip: "203.0.113.7", userAgent: "Test/1.0" };
    const request = requestsOf(home.backend.withRequestMetadata(from), home.apiKey);
    const answer = await request(route.method, path, { ...traced, ...(body ? { body } : {}) });
    expect(answer.status).toBeLessThan(300);
    expect(answer.headers.get("X-Request-Id")).toBe(TRACE);
    const { audit, events } = await trail();
    expect(audit.map(({ action }) => action)).toEqual(ACTIONS[title]);
    expect(events.map(({ type }) => type).filter((type) => !isEventType(type))).toEqual([]);
    const [key] = await home.backend.run(async ({ db }) => await db.query("apiKeys").collect());
    for (const entry of audit) {
      expect(entry).toMatchObject({
        ...from,
        organizationId: home.organizationId,
        actor: { type: "api_key", id: key?._id, name: "First key" },
        objectType: expect.any(String) as string,
        objectId: expect.any(String) as string,
      });
    }
    const changes = audit.flatMap((entry) => entry.changes);
    expect(JSON.stringify(changes)).not.toMatch(/fh_(live|test|session|portal)_[\w-]{20}/);
  },
);

test.each(writing.filter(([, { path }]) => path.startsWith("/crm")))(
  "%s leaves an event per audit entry, in the same transaction",
  async (title, route) => {
    const path = await pathOf(route, home.request);
    await home.request(route.method, path, {
      ...traced,
      ...(route.example.body ? { body: route.example.body } : {}),
    });
    const { audit, events } = await trail();
    // That the trail itself was blanked concerns the trail alone.
    const followed = ACTIONS[title]?.filter((action) => action !== "audit.erased");
    expect(events.map(({ type }) => type)).toEqual(followed);
    for (const [index, event] of events.entries()) {
      const entry = audit[index];
      expect(event).toMatchObject({
        objectId: entry?.objectId,
        actor: entry?.actor,
        at: entry?.at,
        commitTs: entry?.commitTs,
      });
      expect(dataIn(event)).toMatchObject({ id: event.objectId, type: event.objectType });
    }
  },
);

describe("what changed", () => {
  test("a creation lists every field after it, and none before", async () => {
    await home.request("POST", "/crm/contacts", {
      body: { firstName: "Ada", email: "a@x.test" },
      ...traced,
    });
    const { audit, events } = await trail();
    const changes = Object.fromEntries(
      audit[0]?.changes.map(({ field, after }) => [field, after as unknown]) ?? [],
    );
    expect(changes).toMatchObject({
      name: "Ada",
      firstName: "Ada",
      email: "a@x.test",
      subtype: "lead",
      status: "active",
    });
    expect(audit[0]?.changes.some((change) => "before" in change)).toBe(false);
    expect(events.map(dataIn)).toMatchObject([{ firstName: "Ada", version: 1 }]);
    expect(events[0]).not.toHaveProperty("previous");
  });

  test("an update lists the changed fields alone, before and after", async () => {
    const { body } = await home.request("POST", "/crm/contacts", {
      body: { firstName: "Ada", notes: "old", phone: "1" },
    });
    await home.request("PATCH", `/crm/contacts/${body.contactId}`, {
      body: { notes: "new", phone: null, jobTitle: "X" },
      ...traced,
    });
    const { audit, events } = await trail();
    expect([...(audit[0]?.changes ?? [])].sort((a, b) => (a.field < b.field ? -1 : 1))).toEqual([
      { field: "jobTitle", after: "X" },
      { field: "notes", before: "old", after: "new" },
      { field: "phone", before: "1" },
    ]);
    expect(events.map(previousIn)).toEqual([{ notes: "old", phone: "1", jobTitle: null }]);
    expect(events.map(dataIn)).toMatchObject([{ notes: "new", phone: null, version: 2 }]);
  });

  test("settings list the changed ones, before and after", async () => {
    await home.request("PATCH", "/organization", {
      body: { currency: "USD", locale: "en" },
      ...traced,
    });
    const { audit } = await trail();
    expect(audit).toMatchObject([
      { changes: [{ field: "currency", before: "EUR", after: "USD" }] },
    ]);
  });

  test("a request that changes nothing leaves nothing", async () => {
    const { body } = await home.request("POST", "/crm/contacts", { body: { firstName: "Ada" } });
    await home.request("PATCH", `/crm/contacts/${body.contactId}`, {
      body: { firstName: "Ada" },
      ...traced,
    });
    await home.request("PATCH", "/organization", { body: { currency: "EUR" }, ...traced });
    expect(await trail()).toEqual({ audit: [], events: [] });
  });

  test("organizationInfo leaves the organization's entries too, all under one request", async () => {
    await home.request("POST", "/crm/contacts", {
      body: { firstName: "Ada", organizationInfo: { name: "Acme" } },
      ...traced,
    });
    const { audit, events } = await trail();
    expect(audit.map(({ action }) => action)).toEqual([
      "crm_organization.created",
      "contact.created",
    ]);
    expect(new Set([...audit, ...events].map(({ commitTs }) => commitTs)).size).toBe(1);
  });
});

test("a refused request leaves neither entry nor event", async () => {
  await home.request("POST", "/crm/contacts", { body: { email: "no" }, ...traced });
  await home.request("DELETE", "/crm/contacts/nonsense", traced);
  await home.request("POST", "/crm/contacts", {
    body: { firstName: "Ada" },
    token: null,
    ...traced,
  });
  expect(await trail()).toEqual({ audit: [], events: [] });
});

test("a replay leaves nothing new", async () => {
  const options = {
    body: { firstName: "Ada" },
    headers: { "Idempotency-Key": "k", "X-Request-Id": TRACE },
  };
  await home.request("POST", "/crm/contacts", options);
  await home.request("POST", "/crm/contacts", options);
  expect((await trail()).audit).toHaveLength(1);
});

test("a member of staff acts under their own name", async () => {
  const { organizationId } = home;
  const member = await newMember(home.backend, [{ organizationId, role: "member" }]);
  await member.request("POST", "/crm/contacts", { body: { firstName: "Ada" }, ...traced });
  const { audit } = await trail();
  expect(audit).toMatchObject([{ actor: { type: "user", id: member.userId, name: "Mo" } }]);
  const objects = await home.backend.run(async ({ db }) => await db.query("objects").collect());
  expect(objects).toMatchObject([{ createdBy: member.userId }]);
});
