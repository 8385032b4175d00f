/** Run by `folder.test.ts`: writes pairs of documents as fast as it can until it is killed. */
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import { openDatabase } from "../../../scripts/local/database/index";

const schema = defineSchema({
  t: defineTable({ pair: v.string(), text: v.string() })
    .index("by_pair", ["pair"])
    .searchIndex("find", { searchField: "text" }),
});

const database = await openDatabase({ path: process.argv[2] ?? "" });
await database.applySchema((schema as unknown as { export(): string }).export());

let next = 0;
async function writePairs(): Promise<never> {
  for (;;) {
    const number = next++;
    const { value } = await database.mutation(async (tx) => {
      const document = { pair: `${process.pid} ${number}`, text: `pair${number}` };
      return [tx.insert("t", document), tx.insert("t", document)];
    });
    for (const id of value) process.stdout.write(`${id}\n`);
  }
}

await Promise.all(Array.from({ length: 8 }, writePairs));
