import * as z from "zod";
import type { Consultation } from "../kit/outside";
import { once } from "../kit/once";

/** A new secret, and the picture that an authenticator app reads it from. */
export const totpDrawing = once(() =>
  z.object({
    secret: z.string().meta({ description: "Base32, to be typed where nothing can be scanned." }),
    otpauthUrl: z.string(),
    qrSvg: z.string().meta({ description: "An SVG document." }),
    qrPng: z.string().meta({ description: "A PNG as a `data:` URL." }),
  }),
);

export const totpDrawn: Consultation<ReturnType<typeof totpDrawing>> = {
  action: "accounts/totpActions:draw",
  found: totpDrawing,
};
