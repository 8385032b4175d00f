/**
 * Secrets that must be read back (to sign, to sign in): AES-256-GCM under `ENCRYPTION_KEY`, 32 bytes
 * in base64. `npm start` makes one; a Convex deployment that has none keeps such secrets as they are,
 * marked so that setting a key later does not make them unreadable.
 */
const SEALED = "aes-gcm:";
const PLAIN = "plain:";
const IV_BYTES = 12;
const KEY_BYTES = 32;

export async function sealSecret(secret: string): Promise<string> {
  const key = await encryptionKey("encrypt");
  if (!key) return PLAIN + secret;
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const text = new TextEncoder().encode(secret);
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, text);
  return SEALED + toBase64(new Uint8Array([...iv, ...new Uint8Array(sealed)]));
}

/** @throws when it was sealed under another key than the deployment has */
export async function openSecret(stored: string): Promise<string> {
  if (stored.startsWith(PLAIN)) return stored.slice(PLAIN.length);
  const key = stored.startsWith(SEALED) ? await encryptionKey("decrypt") : null;
  if (!key) throw new Error("A stored secret cannot be read: ENCRYPTION_KEY is not set.");
  const bytes = fromBase64(stored.slice(SEALED.length));
  const iv = bytes.slice(0, IV_BYTES);
  const text = await crypto.subtle
    .decrypt({ name: "AES-GCM", iv }, key, bytes.slice(IV_BYTES))
    .catch(() => {
      throw new Error(
        "A stored secret cannot be read: ENCRYPTION_KEY is not the one it was sealed under.",
      );
    });
  return new TextDecoder().decode(text);
}

async function encryptionKey(usage: "encrypt" | "decrypt"): Promise<CryptoKey | null> {
  const text = process.env.ENCRYPTION_KEY;
  if (!text) return null;
  const bytes = fromBase64(text);
  if (bytes.length !== KEY_BYTES) {
    throw new Error(`ENCRYPTION_KEY must be ${KEY_BYTES} bytes in base64.`);
  }
  return await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, [usage]);
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
