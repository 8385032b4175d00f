/** What becomes of files that nobody completes, keeps or may see any longer. */
import type { GenericValidator } from "convex/values";
import { TenantReader } from "../../convex/ontology/reader";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import {
  completeUpload,
  MAX_OF_OWNER,
  requireAttachment,
} from "../../convex/attachments/attachments";
import { ObjectStore } from "../../convex/ontology/store";
import schema from "../../convex/schema";
import { systemScope } from "../../convex/tenancy";
import { type Fixture, newBackend, newTenant } from "../helpers/backend";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const TEXT = "Ten hours of work, agreed.";

let home: Fixture;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  home = await newBackend();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

function pass(time: number): void {
  vi.setSystemTime(Date.now() + time);
}

async function permit(): Promise<string> {
  const body = { fileName: "plan.txt", contentType: "text/plain", size: TEXT.length };
  const answer = await home.request("POST", "/attachments/presign", { body });
  expect(answer.status, answer.text).toBe(201);
  return (answer.body.data as unknown as { attachmentId: string }).attachmentId;
}

const store = async (): Promise<Id<"_storage">> =>
  await home.backend.run(async (ctx) => await ctx.storage.store(new Blob([TEXT])));

const isStored = async (id: Id<"_storage">): Promise<boolean> =>
  await home.backend.run(async (ctx) => (await ctx.db.system.get("_storage", id)) !== null);

/** As the endpoint ends an upload; the mock's storage knows no types, so it cannot inspect one. */
async function completed(id: string, storageId: Id<"_storage">, ownerId?: string): Promise<void> {
  await home.backend.run(async (ctx) => {
    const objects = new ObjectStore(ctx, systemScope(home.organizationId, "test"));
    const pending = await requireAttachment(new TenantReader(ctx, home), id);
    const owner = ownerId === undefined ? null : ctx.db.normalizeId("objects", ownerId);
    const file = { storageId, sha256: "0".repeat(64), ...(owner ? { ownerId: owner } : {}) };
    await completeUpload(ctx, objects, pending, file);
    await objects.finish();
  });
}

async function attach(ownerId?: string): Promise<{ id: string; storageId: Id<"_storage"> }> {
  const id = await permit();
  const storageId = await store();
  await completed(id, storageId, ownerId);
  return { id, storageId };
}

async function cleanUp(): Promise<void> {
  await home.backend.mutation(internal.attachments.removal.cleanUp, {});
  await home.backend.mutation(internal.attachments.sweep.sweep, {});
  await home.backend.finishInProgressScheduledFunctions();
}

const statusOf = async (id: string): Promise<number> =>
  (await home.request("GET", `/attachments/${id}`)).status;

test("a link ends after five minutes, and a changed one leads nowhere", async () => {
  const { id } = await attach();
  const answer = await home.request("GET", `/attachments/${id}/presign`);
  const { downloadUrl } = answer.body.data as unknown as { downloadUrl: string };
  const token = downloadUrl.split("/files/")[1] ?? "";
  const [attachment = "", time = "", mac = ""] = token.split(".");
  const get = async (at: string): Promise<[number, string]> => {
    const response = await home.backend.fetch(`/api/v1/files/${at}`);
    return [response.status, await response.text()];
  };
  pass(5 * MINUTE - 1000);
  expect(await get(token)).toEqual([200, TEXT]);
  const later = (Number.parseInt(time, 36) + HOUR).toString(36);
  const { id: other } = await attach();
  const otherMac = mac.replace(/^./, (digit) => (digit === "0" ? "1" : "0"));
  for (const forged of [
    `${attachment}.${later}.${mac}`,
    `${other}.${time}.${mac}`,
    `${attachment}.${time}.${otherMac}`,
  ]) {
    expect((await get(forged))[0], forged).toBe(404);
  }
  pass(2000);
  expect((await get(token))[0]).toBe(410);
});

test("an upload can be completed for a day, and is then given up with what was stored", async () => {
  const id = await permit();
  const storageId = await store();
  pass(DAY - MINUTE);
  await cleanUp();
  expect([await statusOf(id), await isStored(storageId)]).toEqual([200, true]);
  pass(2 * MINUTE);
  const body = { attachmentId: id, storageId };
  const late = await home.request("POST", "/attachments/complete", {
    body: { ...body, storageId: "x" },
  });
  expect([late.status, late.code]).toEqual([410, "GONE"]);
  await cleanUp();
  expect(await statusOf(id)).toBe(404);
  pass(HOUR);
  await cleanUp();
  expect(await isStored(storageId)).toBe(false);
  const gone = await home.request("POST", "/attachments/complete", { body });
  expect(gone.code).toBe("ATTACHMENT_NOT_FOUND");
});

test("files that are kept are never swept, nor one that was completed at the last moment", async () => {
  const { storageId: attached } = await attach();
  const late = await permit();
  const uploaded = await store();
  const unclaimed = await Promise.all([store(), store()]);
  const printed = await store();
  const objectId = (await home.request("POST", "/crm/contacts", { body: { firstName: "Ada" } }))
    .body.contactId;
  await home.backend.mutation(internal.delivery.documentFiles.keep, {
    ...{ organizationId: home.organizationId, objectId: objectId as Id<"objects"> },
    ...{ format: "pdf", edition: "1.1", isForToday: false },
    file: {
      ...{ storageId: printed, fileName: "R1.pdf", contentType: "application/pdf" },
      ...{ size: TEXT.length, sha256: "0".repeat(64) },
    },
  });
  pass(DAY - 1000);
  await cleanUp();
  await completed(late, uploaded);
  for (let day = 0; day < 3; day++) {
    pass(DAY);
    await cleanUp();
  }
  const kept = await Promise.all([attached, uploaded, printed].map(isStored));
  expect(kept).toEqual([true, true, true]);
  expect(await Promise.all(unclaimed.map(isStored))).toEqual([false, false]);
});

test("every table that names stored files keeps them as the sweep looks for it, or borrows them", () => {
  // A queued mail sends what `documentFiles` keeps.
  const borrowers = ["notifications.files"];
  const named = Object.entries(schema.tables).flatMap(([table, { validator }]) =>
    storageFields(validator).map((field) => `${table}${field}`),
  );
  const kept = named.filter((field) => !borrowers.some((borrower) => field.startsWith(borrower)));
  expect(kept.sort()).toEqual([
    "attachments.storageId",
    "documentFiles.storageId",
    "profileExports.storageId",
  ]);
});

/** Where below a validator ids of stored files are. */
function storageFields(validator: GenericValidator, at = ""): string[] {
  switch (validator.kind) {
    case "id":
      return validator.tableName === "_storage" ? [at] : [];
    case "object":
      return Object.entries<GenericValidator>(validator.fields).flatMap(([name, field]) =>
        storageFields(field, `${at}.${name}`),
      );
    case "array":
      return storageFields(validator.element as GenericValidator, at);
    case "record":
      return storageFields(validator.value as GenericValidator, at);
    case "union":
      return (validator.members as GenericValidator[]).flatMap((member) =>
        storageFields(member, at),
      );
    default:
      return [];
  }
}

test("what belongs to an object stays while it can come back, and goes when it is purged", async () => {
  const ownerId = (await home.request("POST", "/crm/contacts", { body: { firstName: "Ada" } })).body
    .contactId;
  const { id, storageId } = await attach(ownerId);
  const { id: unowned, storageId: other } = await attach();
  await home.request("DELETE", `/crm/contacts/${ownerId}`);
  const purgeIn = async (days: number): Promise<void> => {
    pass(days * DAY);
    await home.backend.mutation(internal.sync.tombstones.cleanUp, {});
    await new Promise((resolve) => setTimeout(resolve, 0));
    await home.backend.finishInProgressScheduledFunctions();
  };
  await purgeIn(89);
  expect([await statusOf(id), await isStored(storageId)]).toEqual([200, true]);
  await purgeIn(2);
  expect([await statusOf(id), await isStored(storageId)]).toEqual([404, false]);
  expect([await statusOf(unowned), await isStored(other)]).toEqual([200, true]);
});

test("an object has so many attachments and no more, whichever way they come", async () => {
  const { request, backend } = home;
  const made = await request("POST", "/crm/contacts", { body: { firstName: "Ada" } });
  const ownerId = made.body.contactId as Id<"objects">;
  const body = { url: "https://files.example/a", ownerId };
  const { id } = (await request("POST", "/attachments", { body })).body.data;
  await backend.run(async ({ db }) => {
    const first = await db.get("attachments", id as Id<"attachments">);
    if (!first) throw new Error("The first attachment is there.");
    const { _id, _creationTime, ...fields } = first;
    for (let n = 1; n < MAX_OF_OWNER; n += 1) await db.insert("attachments", fields);
  });
  const unowned = await request("POST", "/attachments", { body: { url: body.url } });
  expect(unowned.status).toBe(201);
  const pending = await permit();
  const storageId = await store();
  for (const [method, path, sent] of [
    ["POST", "/attachments", body],
    ["PATCH", `/attachments/${unowned.body.data.id}`, { ownerId }],
  ] as const) {
    const refused = await request(method, path, { body: sent });
    expect([refused.status, refused.body.error?.code], path).toEqual([409, "CONFLICT"]);
    expect(refused.body.error?.details).toMatchObject({
      path: "body.ownerId",
      limit: MAX_OF_OWNER,
    });
  }
  await expect(completed(pending, storageId, ownerId)).rejects.toThrow("at most 200");
  await request("DELETE", `/attachments/${id}`);
  await completed(pending, storageId, ownerId);
});

test("another organization's attachment answers on every route as a missing one does", async () => {
  const { id } = await attach();
  const pending = await permit();
  const storageId = await store();
  const { id: missing } = await attach();
  await home.request("DELETE", `/attachments/${missing}`);
  const stranger = (await newTenant(home.backend)).request;
  const answersOf = async (attachmentId: string): Promise<[number, string][]> => {
    const at = `/attachments/${attachmentId}`;
    const answers = [
      await stranger("GET", at),
      await stranger("GET", `${at}/presign`),
      await stranger("PATCH", at, { body: { fileName: "mine.txt" } }),
      await stranger("DELETE", at),
      await stranger("POST", "/attachments/complete", { body: { attachmentId, storageId } }),
    ];
    return answers.map(({ status, body }) => [status, JSON.stringify(body.error)]);
  };
  const expected = await answersOf(missing);
  expect(expected.map(([status]) => status)).toEqual([404, 404, 404, 404, 404]);
  expect(await answersOf(id)).toEqual(expected);
  expect(await answersOf(pending)).toEqual(expected);
  expect(await isStored(storageId)).toBe(true);
  const contact = await home.request("POST", "/crm/contacts", { body: { firstName: "Ada" } });
  const ownerId = contact.body.contactId;
  const body = { url: "https://files.example.com/a.pdf", ownerId };
  expect((await stranger("POST", "/attachments", { body })).code).toBe("OWNER_NOT_FOUND");
  expect((await stranger("GET", `/attachments?ownerId=${ownerId}`)).code).toBe("OWNER_NOT_FOUND");
});

test.each([
  [["R2_ENDPOINT"], "R2_BUCKET, R2_ACCESS_KEY_ID, R2_SECRET_ACCESS_KEY"],
  [["R2_ENDPOINT", "R2_BUCKET", "R2_ACCESS_KEY_ID"], "R2_SECRET_ACCESS_KEY"],
])("with only %j set, uploads are refused, and what is missing is named", async (set, missing) => {
  for (const name of set) vi.stubEnv(name, "http://127.0.0.1:9");
  const body = { fileName: "plan.txt", contentType: "text/plain", size: 1 };
  const answer = await home.request("POST", "/attachments/presign", { body });
  expect([answer.status, answer.code]).toEqual([503, "SERVICE_UNAVAILABLE"]);
  expect(answer.body.error.message).toContain(`${missing} is not set`);
});
