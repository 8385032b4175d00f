import * as z from "zod";
import { readAs } from "./problems";
import { once } from "./once";

/** So many values of one filter may be asked for at once. */
export const MAX_VALUES = 20;

/** The schemas that take several values; of any other parameter only one is taken. */
const several = new WeakSet<z.ZodType>();

export type SeveralValues<Item extends z.ZodType> = z.ZodOptional<
  z.ZodPipe<z.ZodUnknown, z.ZodTransform<z.output<Item>[]>>
>;

type Manner = {
  /** Whether commas part values too. */
  commas?: boolean;
  most?: number;
  description?: string;
};

/**
 * A filter of a list: any of the values that are given, by repeating it or with commas between them.
 * Of what may have a comma in it, such as a document's number, by repeating it alone.
 */
export function severalOf<Item extends z.ZodType>(
  item: Item,
  { commas = true, most = MAX_VALUES, description }: Manner = {},
): SeveralValues<Item> {
  const values = z
    .unknown()
    .transform((given, context) => {
      const texts = [given].flat().map(String);
      const parts = commas ? texts.flatMap((text) => text.split(",")) : texts;
      if (parts.length > most) {
        context.addIssue({ code: "custom", message: `must have at most ${most} values` });
        return z.NEVER;
      }
      return parts.flatMap((part) => valueOf(item, part, context));
    })
    .meta({
      ...(description === undefined ? {} : { description }),
      // Only asked for where the API is described: one value by itself, or a list of them.
      get anyOf() {
        const { $schema: _, ...described } = z.toJSONSchema(item, { io: "input" });
        return [described, { type: "array", items: described }];
      },
    })
    .optional();
  several.add(values);
  return values;
}

/** Any of these objects. */
export const idFilter = once(() => severalOf(z.string().max(64)));

function valueOf<Item extends z.ZodType>(
  item: Item,
  text: string,
  context: z.RefinementCtx,
): z.output<Item>[] {
  const { data, problems } = readAs("", item, text);
  if (!problems) return [data];
  for (const { message } of problems) context.addIssue({ code: "custom", message });
  return [];
}

/** Whether a parameter of the query takes several values. */
export function takesSeveral(query: z.ZodObject | undefined, name: string): boolean {
  const shape: Record<string, z.ZodType> = query?.shape ?? {};
  const schema = Object.hasOwn(shape, name) ? shape[name] : undefined;
  return schema !== undefined && several.has(schema);
}
