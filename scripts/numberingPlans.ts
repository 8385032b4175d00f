/** `npm run numbering-plans`: writes the numbering plans as text from those of libphonenumber-js. */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import metadata from "libphonenumber-js/metadata.min.json";
import { format, resolveConfig } from "prettier";
import { runScript } from "./commandLine";

export const NUMBERING_PLANS_FILE = fileURLToPath(
  new URL("../convex/kit/numberingPlans.ts", import.meta.url),
);

/** The file as it should be. */
export async function numberingPlansFile(): Promise<string> {
  const text = `/**
 * Every country's rules of phone numbers, as JSON text: a module that only mentions them does not pay for
 * their objects. Made from libphonenumber-js by \`npm run numbering-plans\`, after each of its releases.
 */
export const NUMBERING_PLANS = ${JSON.stringify(JSON.stringify(metadata))};
`;
  const options = await resolveConfig(NUMBERING_PLANS_FILE);
  return await format(text, { ...options, filepath: NUMBERING_PLANS_FILE });
}

if (process.argv[1] === import.meta.filename) {
  const help =
    "Usage: npm run numbering-plans\n\nWrites convex/kit/numberingPlans.ts from libphonenumber-js.";
  await runScript(help, [], async () => {
    await writeFile(NUMBERING_PLANS_FILE, await numberingPlansFile());
    console.log(`Written: ${NUMBERING_PLANS_FILE}`);
  });
}
