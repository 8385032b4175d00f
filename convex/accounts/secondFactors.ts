import type { Doc } from "../_generated/dataModel";

/** By what a person can prove a second time who they are. */
export type SecondFactor = "totp" | "recovery_code" | "passkey";

/** What a sign-in by password, provider or letter asks for beside; nothing of who has set nothing up. */
export function secondFactorsOf({ secondFactors = [] }: Doc<"users">): SecondFactor[] {
  return secondFactors;
}
