import * as z from "zod";
import { once } from "../kit/once";

/** What browsers send, as `PublicKeyCredential.toJSON()` has it (WebAuthn Level 3, 5.1); more may follow there. */
const MAX_ID = 1400;
const MAX_PIECE = 16_384;
const MAX_ATTESTATION = 131_072;

function bytes(max: number): z.ZodString {
  return z
    .string()
    .min(1, "must not be empty")
    .max(max, `must have at most ${max} characters`)
    .regex(/^[A-Za-z0-9_-]+$/, "must be base64url");
}

const common = once(() => ({
  id: bytes(MAX_ID),
  rawId: bytes(MAX_ID),
  type: z.literal("public-key"),
}));

export const registeredCredential = once(() =>
  z.object({
    ...common(),
    response: z.object({
      clientDataJSON: bytes(MAX_PIECE),
      attestationObject: bytes(MAX_ATTESTATION),
      transports: z.array(z.string().max(50)).max(10).optional(),
    }),
  }),
);

export const assertedCredential = once(() =>
  z
    .object({
      ...common(),
      response: z.object({
        clientDataJSON: bytes(MAX_PIECE),
        authenticatorData: bytes(MAX_PIECE),
        signature: bytes(MAX_PIECE),
        userHandle: bytes(MAX_ID).nullish(),
      }),
    })
    .meta({ description: "What `navigator.credentials.get()` gave, as its `toJSON()` has it." }),
);
