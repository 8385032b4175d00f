import type { Value } from "convex/values";
import * as z from "zod";
import { type Answer, ok, type WriteContext } from "../kit/endpoint";
import { ApiError, placedData, under } from "../kit/errors";
import { once } from "../kit/once";
import { type BatchOf, type ItemResult, type Judged, judged, writeBatch } from "../ontology/batch";

/** Many writes by one request: what it takes, and what it answers, whatever it writes. */
export const MAX_ITEMS = 200;

const itemError = once(() =>
  z.object({ code: z.string(), message: z.string(), details: z.unknown() }),
);
export const bulkAnswer = once(() =>
  z.object({
    results: z.array(
      z.object({
        index: z.number().int(),
        status: z.enum(["created", "updated", "error"]),
        id: z.string().optional(),
        error: itemError().optional(),
      }),
    ),
    created: z.number().int(),
    updated: z.number().int(),
    failed: z.number().int(),
  }),
);
type BulkAnswer = z.input<ReturnType<typeof bulkAnswer>>;

/** The items are judged one by one, so that one that does not fit does not stop the others. */
export const bulkBody = once(() =>
  z.strictObject({
    items: z
      .array(z.unknown())
      .min(1, "must have at least one item")
      .max(MAX_ITEMS, `must have at most ${MAX_ITEMS} items`),
    atomic: z.boolean().optional(),
  }),
);
type BulkBody = z.output<ReturnType<typeof bulkBody>>;

export const bulkDescription = `Up to ${MAX_ITEMS} items. One with an \`id\` changes that object as \`PATCH\` does; one without is what \`POST\` takes. Each is written whole or not at all; with \`atomic: true\` one error means that nothing is written, and the answer is 400 with the same list in \`details\`.`;

/** @param placed an item that was judged well, with what its place adds to it */
export async function bulk(
  ctx: WriteContext,
  of: BatchOf,
  { items, atomic = false }: BulkBody,
  placed: (item: object) => object = (item) => item,
): Promise<Answer<BulkAnswer>> {
  const judgements = items.map((item): Judged => {
    const judgement = judged(of, item, ctx.organization.timeZone);
    return "item" in judgement ? { item: placed(judgement.item) } : judgement;
  });
  const written = await writeBatch(ctx, ctx.scope, of, judgements);
  const results = written.map(resultAt);
  const count = (status: string): number =>
    results.filter((result) => result.status === status).length;
  const failed = count("error");
  if (atomic && failed > 0) {
    const message = `${failed} of ${items.length} items cannot be written, so none was.`;
    const details = results.map((result) =>
      result.status === "error" ? result : { index: result.index, status: result.status },
    );
    throw new ApiError("VALIDATION_ERROR", message, { details: details as unknown as Value });
  }
  return ok({ results, created: count("created"), updated: count("updated"), failed });
}

/** What became of an item; what is wrong with it stands where it stood in the body. */
function resultAt(result: ItemResult, index: number): BulkAnswer["results"][number] {
  if (result.status !== "error") return { index, ...result };
  const placeOf = under(`body.items.${index}`);
  const { code, message, details } = placedData(result.error, placeOf);
  return { index, status: "error", error: { code, message, details } };
}
