import { ApiError } from "../kit/errors";
import type { CaptchaOutcome } from "./captcha";

/** @throws CAPTCHA_REQUIRED */
export function requireCaptcha(outcome: CaptchaOutcome): void {
  if (outcome === "not_asked" || outcome === "good") return;
  const message =
    outcome === "missing"
      ? "Answer the CAPTCHA, and send what it gives as captchaToken."
      : "The CAPTCHA's verifier has refused the captchaToken: answer it once more.";
  throw new ApiError("CAPTCHA_REQUIRED", message);
}
