import { internal } from "../../_generated/api";
import { errorDataOf } from "../errors";
import type { HttpContext } from "./context";

/** Strangers who try signatures are counted by address, as those are who try tokens: what they are told. */
export async function meterStranger(
  c: HttpContext,
  error: unknown,
  { triesTokens = false }: { triesTokens?: boolean } = {},
): Promise<unknown> {
  const { ip } = await c.env.meta.getRequestMetadata();
  try {
    const stranger = { credential: null, ip, triesTokens };
    c.set("metering", await c.env.runMutation(internal.kit.metering.meter, stranger));
    return error;
  } catch (refusal) {
    return errorDataOf(refusal) ? refusal : error;
  }
}
