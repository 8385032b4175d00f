// @vitest-environment node
import { describe, expect, test, vi } from "vitest";
import { checkHostOf } from "../../convex/kit/hostName";
import { problemOfAddress } from "../../convex/delivery/providers/configured";
import { openOutbox } from "./outbox";

/** A TLS library ends its whole process over such names: no connection to them is tried. */
const LONG_NAME = `${"a.".repeat(150)}example.com`;
const LONG_LABEL = `${"a".repeat(64)}.example.com`;
const NAMES = [
  [LONG_NAME, "must have a host name of at most 253 characters."],
  [LONG_LABEL, "must have at most 63 characters between the dots of its host name."],
] as const;

const BASE = {
  ...{ EMAIL_FROM: "mail@studio.test", RESEND_API_KEY: "", RESEND_BASE_URL: "", SMTP_URL: "" },
};

describe.each(NAMES)("of %s", (name, problem) => {
  test.each([
    ["SMTP_URL", `smtps://u:p@${name}:465`, {}],
    ["SMTP_URL", `smtp://${name}`, {}],
    ["RESEND_BASE_URL", `https://${name}`, { RESEND_API_KEY: "re_test" }],
  ])("%s sends nothing, and each message says why: %s", async (variable, address, env) => {
    const outbox = await openOutbox({ ...BASE, ...env, [variable]: address });
    const id = await outbox.queue();
    await outbox.run();
    const message = await outbox.message(id);
    expect(message).toMatchObject({ status: "queued", reason: `${variable} ${problem}` });
    expect(message.attempts).toEqual([]);
    // As it is asked again before a connection, also where a message is already on its way.
    expect(problemOfAddress(variable)).toBe(`${variable} ${problem}`);
    const again = await outbox.request("POST", `/notifications/${id}/resend`, { body: {} });
    expect([again.status, again.code]).toEqual([409, "CONFLICT"]);
  });

  test("WHATSAPP_BASE_URL and STRIPE_BASE_URL are refused with their names", () => {
    vi.stubEnv("WHATSAPP_BASE_URL", `https://${name}`);
    expect(problemOfAddress("WHATSAPP_BASE_URL")).toBe(`WHATSAPP_BASE_URL ${problem}`);
    const check = () => checkHostOf("STRIPE_BASE_URL", new URL(`https://${name}`));
    expect(check).toThrow(`STRIPE_BASE_URL ${problem}`);
  });

  test("R2_ENDPOINT answers 503 with its name before anything is presigned", async () => {
    const outbox = await openOutbox({
      ...{ R2_ENDPOINT: `https://${name}`, R2_BUCKET: "b" },
      ...{ R2_ACCESS_KEY_ID: "id", R2_SECRET_ACCESS_KEY: "secret" },
    });
    const body = { fileName: "plan.pdf", contentType: "application/pdf", size: 3 };
    const answer = await outbox.request("POST", "/attachments/presign", { body });
    expect([answer.status, answer.text.includes(`R2_ENDPOINT ${problem}`)]).toEqual([503, true]);
  });
});
