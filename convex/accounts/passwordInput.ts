import * as z from "zod";
import { once } from "../kit/once";

const SHORTEST = 8;
export const LONGEST_PASSWORD = 1000;

/**
 * A new password, as 004 documents its rules. It is composed (NFC), so that it is the same from every
 * keyboard; how easily it is guessed is judged beside, see strength.ts.
 */
export const newPassword = once(() =>
  z
    .string()
    .overwrite((password) => password.normalize("NFC"))
    .min(SHORTEST, "Password must be at least 8 characters")
    .refine(isShortEnough, `Password must have at most ${LONGEST_PASSWORD} characters`)
    .regex(/[A-Z]/, "Password must contain uppercase letter")
    .regex(/[0-9]/, "Password must contain number")
    .meta({ format: "password" }),
);

/** One that is only compared. */
export const givenPassword = once(() =>
  z
    .string()
    .min(1, "must not be empty")
    .refine(isShortEnough, `must have at most ${LONGEST_PASSWORD} characters`)
    .meta({ format: "password" }),
);

function isShortEnough(password: string): boolean {
  return password.length <= 2 * LONGEST_PASSWORD && Array.from(password).length <= LONGEST_PASSWORD;
}
