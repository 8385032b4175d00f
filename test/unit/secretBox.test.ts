import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { openSecret, sealSecret } from "../../convex/kit/secretBox";

const KEY = randomBytes(32).toString("base64");
const OTHER_KEY = randomBytes(32).toString("base64");

test("what is sealed opens again, is not to be seen in what is stored, and never looks the same", async () => {
  vi.stubEnv("ENCRYPTION_KEY", KEY);
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: "binary", minLength: 4, maxLength: 200 }),
      async (secret) => {
        const [once, again] = [await sealSecret(secret), await sealSecret(secret)];
        expect(once).not.toContain(secret);
        expect(once).not.toBe(again);
        expect([await openSecret(once), await openSecret(again)]).toEqual([secret, secret]);
      },
    ),
  );
});

test("another key, or none, does not open it, and says so without the secret", async () => {
  vi.stubEnv("ENCRYPTION_KEY", KEY);
  const sealed = await sealSecret("whsec_hidden");
  vi.stubEnv("ENCRYPTION_KEY", OTHER_KEY);
  await expect(openSecret(sealed)).rejects.toThrow("not the one it was sealed under");
  vi.stubEnv("ENCRYPTION_KEY", "");
  await expect(openSecret(sealed)).rejects.toThrow("ENCRYPTION_KEY is not set");
  await expect(openSecret("neither sealed nor marked")).rejects.toThrow("cannot be read");
});

test("what was changed in the store does not open", async () => {
  vi.stubEnv("ENCRYPTION_KEY", KEY);
  const sealed = await sealSecret("whsec_hidden");
  const bytes = Buffer.from(sealed.slice("aes-gcm:".length), "base64");
  for (const at of [0, 12, bytes.length - 1]) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    await expect(openSecret(`aes-gcm:${changed.toString("base64")}`)).rejects.toThrow("cannot be");
  }
});

test("a secret kept before there was a key stays readable after; a key of another size is refused", async () => {
  vi.stubEnv("ENCRYPTION_KEY", "");
  const stored = await sealSecret("whsec_early");
  vi.stubEnv("ENCRYPTION_KEY", KEY);
  expect(await openSecret(stored)).toBe("whsec_early");
  vi.stubEnv("ENCRYPTION_KEY", randomBytes(16).toString("base64"));
  await expect(sealSecret("x")).rejects.toThrow("must be 32 bytes");
});
