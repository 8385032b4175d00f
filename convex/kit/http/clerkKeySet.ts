import { internal } from "../../_generated/api";
import type { ActionCtx } from "../../_generated/server";
import { ApiError } from "../errors";
import { addressProblem } from "../hostName";
import { within } from "../within";

/** An unknown key id makes us fetch again, but not more often than this. */
const REFETCH_AFTER_MS = 30_000;
const FETCH_WITHIN_MS = 5_000;
const MAX_KEYS = 20;
const MAX_BYTES = 64 * 1024;

type KeySet = { kid: string; jwk: string }[];

/**
 * The key of this id out of a set that is fetched now, unless one was fetched a moment ago.
 * @throws SERVICE_UNAVAILABLE when Clerk does not answer; RATE_LIMITED
 */
export async function fetchKey(
  ctx: Pick<ActionCtx, "runMutation">,
  { issuer, kid, fetchedAt }: { issuer: string; kid: string; fetchedAt: number },
): Promise<string | null> {
  if (Date.now() - fetchedAt < REFETCH_AFTER_MS) return null;
  await ctx.runMutation(internal.kit.clerkKeys.allowFetch, { issuer });
  const keys = await fetchKeys(issuer);
  await ctx.runMutation(internal.kit.clerkKeys.keep, { issuer, keys });
  return keys.find((key) => key.kid === kid)?.jwk ?? null;
}

async function fetchKeys(issuer: string): Promise<KeySet> {
  try {
    const text = await within(FETCH_WITHIN_MS, (signal) => fetchText(issuer, signal));
    return readKeys(JSON.parse(text));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    console.warn(JSON.stringify({ level: "WARN", message: "Clerk's keys cannot be read", reason }));
    const message = "Clerk's signing keys cannot be had at the moment.";
    throw new ApiError("SERVICE_UNAVAILABLE", message, { retryAfter: 5 });
  }
}

async function fetchText(issuer: string, signal: AbortSignal): Promise<string> {
  const problem = addressProblem("CLERK_ISSUER", issuer);
  if (problem !== null) throw new Error(problem);
  const response = await fetch(`${issuer}/.well-known/jwks.json`, { signal, redirect: "error" });
  if (!response.ok) throw new Error(`It answered ${response.status}.`);
  const text = await response.text();
  if (text.length > MAX_BYTES) throw new Error("It answered too much.");
  return text;
}

/** The RSA keys of a JSON Web Key Set: those that Clerk signs with. */
function readKeys(set: unknown): KeySet {
  const keys = (set as { keys?: unknown } | null)?.keys;
  if (!Array.isArray(keys)) throw new Error("It is not a JSON Web Key Set.");
  return (keys as { kid?: unknown; kty?: unknown }[])
    .flatMap((key) =>
      typeof key?.kid === "string" && key.kty === "RSA"
        ? [{ kid: key.kid, jwk: JSON.stringify(key) }]
        : [],
    )
    .slice(0, MAX_KEYS);
}
