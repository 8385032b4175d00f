/** Run by `fullFile.test.ts`: writes until the disk takes no more, twice, and tells what came of it. */
import { openDatabase } from "../../../scripts/local/database/index";

const unhandled: string[] = [];
process.on("unhandledRejection", (reason) => unhandled.push(String(reason)));

const database = await openDatabase({ path: process.argv[2] ?? "" });
const kept: string[] = [];
const refusals: string[] = [];
while (refusals.length < 2 && kept.length < 1_000) {
  const documents = [0, 1, 2].map(() => ({ text: "x".repeat(50_000) }));
  try {
    const { value } = await database.mutation((tx) =>
      Promise.resolve(documents.map((document) => tx.insert("t", document))),
    );
    kept.push(...value);
  } catch (error) {
    refusals.push(error instanceof Error ? error.message : String(error));
  }
  // Whatever is left over shows itself before the next one.
  await new Promise((resolve) => setTimeout(resolve, 20));
}
const found = await database.query((tx) =>
  Promise.resolve(kept.filter((id) => tx.get(id) !== null).length),
);
await database.close();
process.stdout.write(`${JSON.stringify({ kept: kept.length, found, refusals, unhandled })}\n`);
