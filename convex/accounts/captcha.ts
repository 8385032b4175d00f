import { within } from "../kit/within";

const TURNSTILE = "https://challenges.cloudflare.com/turnstile/v0/siteverify";
const ANSWERS_WITHIN_MS = 5_000;
const LONGEST_TOKEN = 4096;

export type CaptchaOutcome = "not_asked" | "missing" | "refused" | "good";

export function hasCaptcha(): boolean {
  return (process.env.CAPTCHA_SECRET ?? "") !== "";
}

/**
 * Asks the verifier whether a person has answered, by Turnstile's protocol (hCaptcha and reCAPTCHA
 * speak the same): `secret` and `response` as a form, `{ success }` as JSON. A verifier that cannot be
 * asked refuses: a hook that opens when it breaks keeps nobody out.
 */
export async function verifyCaptcha(token: unknown): Promise<CaptchaOutcome> {
  const secret = process.env.CAPTCHA_SECRET ?? "";
  if (secret === "") return "not_asked";
  if (typeof token !== "string" || token === "" || token.length > LONGEST_TOKEN) return "missing";
  try {
    const isGood = await within(ANSWERS_WITHIN_MS, async (signal) => {
      const body = new URLSearchParams({ secret, response: token });
      const address = process.env.CAPTCHA_VERIFY_URL || TURNSTILE;
      const response = await fetch(address, { method: "POST", body, signal, redirect: "error" });
      return ((await response.json()) as { success?: unknown } | null)?.success === true;
    });
    return isGood ? "good" : "refused";
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    console.warn(JSON.stringify({ level: "WARN", message: "The CAPTCHA verifier failed", reason }));
    return "refused";
  }
}
