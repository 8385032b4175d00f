import * as z from "zod";
import { once } from "../kit/once";

/** Six digits, as an app shows them: in two groups, for instance. */
export const totpCode = once(() =>
  z
    .string()
    .max(20)
    .overwrite((code) => code.replaceAll(/\s/g, ""))
    .regex(/^[0-9]{6}$/, "must be six digits")
    .meta({ description: "Of the authenticator app, now; it counts once.", example: "492039" }),
);

export const recoveryCode = once(() =>
  z.string().trim().min(1, "must not be empty").max(64).meta({
    description: "One of the ten; it counts once. Case and dashes do not matter.",
    example: "3m8k-v0xq-7h2t-9ynp",
  }),
);

/** Of the ways to prove who one is that a body has, exactly one: for `superRefine`. */
export function exactlyOne(
  ...ways: string[]
): (given: Record<string, unknown>, context: z.core.$RefinementCtx) => void {
  return (given, context) => {
    if (ways.filter((way) => given[way] !== undefined).length === 1) return;
    const message = `must have exactly one of ${ways.join(", ")}`;
    context.addIssue({ code: "custom", message, input: undefined });
  };
}
