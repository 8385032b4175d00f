// @vitest-environment node
import { createHmac } from "node:crypto";
import fastify, { type FastifyInstance, type FastifyRequest } from "fastify";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Doc, Id } from "../../convex/_generated/dataModel";
import { queueMessages } from "../../convex/delivery/outbox";
import { invoice } from "../invoicing/books";
import { moveClock, openOutbox, type Outbox } from "./outbox";
import { hangUp, listening } from "./resendServer";

/** WhatsApp through a server that speaks Meta's Cloud API, and what Meta reports afterwards. */
const SECRET = "app-secret";

type TemplateMessage = {
  messaging_product: string;
  to: string;
  type: string;
  template: {
    name: string;
    language: { code: string };
    components: { type: string; parameters: { type: string; text?: string }[] }[];
  };
  biz_opaque_callback_data: string;
};

/** The header of a template that carries a document. */
type Header = {
  type: string;
  parameters: { type: string; document: { id: string; filename: string } }[];
};

let meta: FastifyInstance;
let taken: TemplateMessage[];
let uploads: FormData[];
let fault: { status: number; code: number } | "no answer" | null;
let outbox: Outbox;

beforeEach(async () => {
  taken = [];
  uploads = [];
  fault = null;
  meta = fastify();
  const readForm = async (request: FastifyRequest, body: Buffer): Promise<FormData> => {
    const headers = { "Content-Type": request.headers["content-type"] ?? "" };
    return await new Response(Uint8Array.from(body), { headers }).formData();
  };
  meta.addContentTypeParser("multipart/form-data", { parseAs: "buffer" }, readForm);
  meta.post("/v23.0/1234/media", async (request, reply) => {
    const form = request.body as FormData;
    if (form.get("messaging_product") !== "whatsapp" || !(form.get("file") instanceof Blob)) {
      return reply.code(400).send({ error: { message: "Invalid parameter", code: 100 } });
    }
    uploads.push(form);
    return reply.send({ id: `media-${uploads.length}` });
  });
  meta.post("/v23.0/1234/messages", async (request, reply) => {
    const message = request.body as TemplateMessage;
    const body = message.template.components.find(({ type }) => type === "body");
    const isWellFormed =
      request.headers.authorization === "Bearer token" &&
      message.messaging_product === "whatsapp" &&
      message.type === "template" &&
      /^\d+$/.test(message.to) &&
      body?.parameters.length === 5 &&
      body.parameters.every(({ text }) => text !== undefined && /^[^\n\t]+$/.test(text));
    if (!isWellFormed) {
      return reply.code(400).send({ error: { message: "Invalid parameter", code: 100 } });
    }
    if (fault === "no answer") {
      taken.push(message);
      return hangUp(reply);
    }
    if (fault !== null) {
      return reply.code(fault.status).send({ error: { message: "The test", code: fault.code } });
    }
    taken.push(message);
    return reply.send({
      messaging_product: "whatsapp",
      messages: [{ id: `wamid.${taken.length}` }],
    });
  });
  outbox = await openOutbox({
    WHATSAPP_TOKEN: "token",
    WHATSAPP_PHONE_ID: "1234",
    WHATSAPP_BASE_URL: `${await listening(meta)}/v23.0`,
    WHATSAPP_APP_SECRET: SECRET,
    WHATSAPP_VERIFY_TOKEN: "verify-me",
  });
});

afterEach(async () => {
  await meta.close();
});

async function queue(
  attachments: Doc<"notifications">["attachments"] = [],
): Promise<Id<"notifications">> {
  const { organizationId, backend } = outbox;
  const data = {
    recipient: "Ada\nLovelace",
    number: "INV-1",
    open: "€19.00",
    organization: "Nord",
  };
  const [id] = await backend.run(
    async (ctx) =>
      await queueMessages(ctx, organizationId, [
        {
          channel: "whatsapp",
          to: "+4930123456",
          template: "reminder",
          language: "de",
          data,
          attachments,
        },
      ]),
  );
  if (!id) throw new Error("Nothing was queued.");
  return id;
}

async function report(status: string, id: string, secret = SECRET): Promise<number> {
  const statuses = [
    { id: "wamid.1", status, timestamp: "1795000000", biz_opaque_callback_data: id },
  ];
  const body = JSON.stringify({ entry: [{ changes: [{ value: { statuses } }] }] });
  const signature = createHmac("sha256", secret).update(body).digest("hex");
  const answer = await outbox.backend.fetch("/api/v1/webhooks/whatsapp", {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Hub-Signature-256": `sha256=${signature}` },
    body,
  });
  return answer.status;
}

test("a template message goes out with every place filled", async () => {
  const id = await queue();
  await outbox.run();
  expect(await outbox.message(id)).toMatchObject({ status: "sent", providerMessageId: "wamid.1" });
  expect(taken).toMatchObject([
    {
      to: "4930123456",
      template: { name: "freehold_reminder", language: { code: "de" } },
      biz_opaque_callback_data: id,
    },
  ]);
  const texts = taken[0]?.template.components[0]?.parameters.map(({ text }) => text);
  expect(texts).toEqual(["Ada Lovelace", "INV-1", "€19.00", "-", "Nord"]);
});

test("the PDF is handed to Meta, and stands in the head of the message under its number", async () => {
  const sent = await outbox.request("POST", "/invoices", { body: invoice() });
  const { id: objectId, name } = sent.body.data as unknown as { id: Id<"objects">; name: string };
  const id = await queue([{ objectId, format: "pdf" }]);
  await outbox.run();
  expect(await outbox.message(id)).toMatchObject({ status: "sent" });
  const file = uploads[0]?.get("file") as File;
  expect([file.type, file.name, uploads[0]?.get("type")]).toEqual([
    "application/pdf",
    `${name}.pdf`,
    "application/pdf",
  ]);
  expect((await file.text()).slice(0, 5)).toBe("%PDF-");
  const header = taken[0]?.template.components[0] as unknown as Header;
  expect(header).toEqual({
    type: "header",
    parameters: [{ type: "document", document: { id: "media-1", filename: `${name}.pdf` } }],
  });
});

test("too many messages wait; what Meta refuses has failed; a lost answer is unknown", async () => {
  fault = { status: 400, code: 131056 };
  const waiting = await queue();
  await outbox.run();
  expect((await outbox.message(waiting)).status).toBe("queued");
  fault = { status: 400, code: 132001 };
  const refused = await queue();
  await outbox.run();
  expect(await outbox.message(refused)).toMatchObject({ status: "failed" });
  fault = "no answer";
  const lost = await queue();
  await outbox.run();
  expect((await outbox.message(lost)).status).toBe("unknown");
  const before = taken.length;
  fault = null;
  moveClock(60_000);
  await outbox.run();
  expect((await outbox.message(waiting)).status).toBe("sent");
  expect(taken).toHaveLength(before + 1);
});

test("statuses count when they are signed, in any order, and never take one back", async () => {
  const id = await queue();
  await outbox.run();
  expect(await report("read", id, "wrong")).toBe(401);
  expect((await outbox.message(id)).status).toBe("sent");
  expect(await report("read", id)).toBe(200);
  expect(await report("sent", id)).toBe(200);
  expect(await report("delivered", id)).toBe(200);
  expect(await report("delivered", id)).toBe(200);
  const message = await outbox.message(id);
  expect(message.status).toBe("delivered");
  expect(message.openedAt).toBe(1_795_000_000_000);
});

test("Meta's challenge is answered for the right token alone", async () => {
  const ask = async (token: string): Promise<Response> =>
    await outbox.backend.fetch(
      `/api/v1/webhooks/whatsapp?hub.mode=subscribe&hub.verify_token=${token}&hub.challenge=4711`,
    );
  expect(await (await ask("verify-me")).text()).toBe("4711");
  expect((await ask("other")).status).toBeGreaterThanOrEqual(400);
});
