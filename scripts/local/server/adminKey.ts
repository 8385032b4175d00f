/** The key with which a caller may also run internal functions; made once, kept beside the data. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import path from "node:path";
import { Problem } from "../problem";
import { readIfThere, readOrMake } from "../secrets";

export type AdminKey = {
  /** Whether it is the key, alone or with the identity behind a colon that its holder acts as. */
  matches(given: string): boolean;
};

export const BAD_ADMIN_KEY = {
  code: "BadAdminKey",
  message: "The provided admin key was invalid for this instance",
};

/** In Convex's form: the deployment's name, a bar, the secret. */
export async function loadAdminKey(data: string, deploymentName: string): Promise<AdminKey> {
  const text = await readOrMake(path.join(data, "admin.key"), () => {
    return `${deploymentName}|${randomBytes(32).toString("base64url")}`;
  });
  const expected = digest(text);
  return { matches: (given) => timingSafeEqual(digest(given.split(":", 1)[0] ?? ""), expected) };
}

/** The key of a data folder, which a server has made there. */
export async function adminKeyOf(data: string): Promise<string> {
  const key = await readIfThere(path.join(data, "admin.key"));
  if (key !== null) return key;
  throw new Problem(`${data} has no admin key yet: the first npm start makes it`);
}

/** Equal lengths, so that the comparison tells nothing about the length either. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
