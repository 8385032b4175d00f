import * as z from "zod";
import { once } from "../kit/once";
import { isUsable, type Passkey } from "./passkeys";

/** A passkey as its owner sees it; times in milliseconds since the epoch. */
export const passkeyRecord = once(() =>
  z.object({
    id: z.string(),
    name: z.string(),
    rpId: z.string().meta({ description: "The host that it was made for." }),
    createdAt: z.number(),
    lastUsedAt: z.number().nullable(),
    backedUp: z.boolean().meta({ description: "Whether it is kept on more than one device." }),
    isUsable: z.boolean().meta({
      description: "False while the deployment is at another host than `rpId` (`APP_URL`).",
    }),
  }),
);
export type PasskeyRecord = z.output<ReturnType<typeof passkeyRecord>>;

export function passkeyView(passkey: Passkey): PasskeyRecord {
  const { _id: id, name, rpId, createdAt, lastUsedAt = null, backedUp } = passkey;
  return { id, name, rpId, createdAt, lastUsedAt, backedUp, isUsable: isUsable(passkey) };
}
