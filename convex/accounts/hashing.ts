import { compare as compareBcrypt } from "bcryptjs";
import { argon2id, argon2Verify } from "hash-wasm";

/**
 * Passwords: argon2id (RFC 9106) with the parameters of OWASP's Password Storage Cheat Sheet (2025):
 * 19 MiB, two passes, one lane. Kept as PHC strings, which say their parameters, so that those can
 * rise: what was made with others is made anew when its owner next signs in. Run in Node actions,
 * because a transaction has one second of code; it is WebAssembly, so that both hosts have it.
 */
const MEMORY_KIB = 19_456;
const PASSES = 2;
const LANES = 1;
const CURRENT = `$argon2id$v=19$m=${MEMORY_KIB},t=${PASSES},p=${LANES}$`;

/** What passwords of nobody are compared with, so that they take as long as others. */
const NOBODYS =
  "$argon2id$v=19$m=19456,t=2,p=1$aZnmufNHokuTOhywgM4HxA$6WCp6vmcYyksLp31osMgCgeNSaYq81TYUGNKy/ogUZc";

export async function hashPassword(password: string): Promise<string> {
  return await argon2id({
    password: password.normalize("NFC"),
    salt: crypto.getRandomValues(new Uint8Array(16)),
    ...{ memorySize: MEMORY_KIB, iterations: PASSES, parallelism: LANES, hashLength: 32 },
    outputType: "encoded",
  });
}

/** One hash run, whether there is one to compare with or not. */
export async function verifyPassword(password: string, hash: string | null): Promise<boolean> {
  const given = password.normalize("NFC");
  if (hash?.startsWith("$2")) return await compareBcrypt(given, hash);
  const isRight = await argon2Verify({ password: given, hash: hash ?? NOBODYS });
  return isRight && hash !== null;
}

export function needsRehash(hash: string): boolean {
  return !hash.startsWith(CURRENT);
}
