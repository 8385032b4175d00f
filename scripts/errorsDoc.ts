/** `npm run errors`: writes docs/errors.md from the list of error codes. */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";
import { errorGuide, type GuideEntry } from "../convex/kit/errorGuide";
import { runScript } from "./commandLine";

export const ERRORS_PAGE = fileURLToPath(new URL("../docs/errors.md", import.meta.url));

const HEAD = `# Error codes

Made from \`convex/kit/errors.ts\` and \`convex/kit/errorGuide.ts\` by \`npm run errors\`; change it there. A deployment serves the same as a page, \`/api/v1/docs/errors\`, and every refusal links to its section.

Every refusal has the same body. \`code\` is one of the list below and does not change; \`message\` is for people and may. \`details\` is \`null\` where nothing is said of it; \`docs\` is the address of the code's section. Quote \`meta.traceId\` when you ask about an answer: it is also the header \`X-Request-Id\`, and in the log.

\`\`\`json
{
  "success": false,
  "data": null,
  "error": {
    "code": "VALIDATION_ERROR",
    "message": "body.email: must be an e-mail address",
    "details": [{ "path": "body.email", "message": "must be an e-mail address" }],
    "docs": "https://…/api/v1/docs/errors#VALIDATION_ERROR"
  },
  "meta": { "traceId": "0f3c…" }
}
\`\`\`

| Status | Code | Meaning |
| --- | --- | --- |
`;

const FOOT = `
429 and 503 carry \`Retry-After\` in seconds; 405 carries \`Allow\`; 401 carries \`WWW-Authenticate\`. Symptoms and their causes are in [troubleshooting.md](troubleshooting.md).
`;

/** The page as it should be. */
export async function errorsPage(): Promise<string> {
  const rows = errorGuide.map(
    ({ code, status, meaning }) =>
      `| ${status} | [\`${code}\`](#${code.toLowerCase()}) | ${meaning.replaceAll("|", "\\\\|")} |`,
  );
  const text = [HEAD + rows.join("\n"), FOOT, ...errorGuide.map(section)].join("\n");
  const options = await resolveConfig(ERRORS_PAGE);
  return await format(text, { ...options, filepath: ERRORS_PAGE });
}

function section({ code, status, meaning, remedy, family }: GuideEntry): string {
  const members = family.map((member) => `\`${member}\``).join(", ");
  const told = [`## ${code}`, `${status}. ${meaning}`, remedy, members];
  return told.filter(Boolean).join("\n\n") + "\n";
}

if (process.argv[1] === import.meta.filename) {
  await runScript("Usage: npm run errors\n\nWrites docs/errors.md.", [], async () => {
    await writeFile(ERRORS_PAGE, await errorsPage());
    console.log(`Written: ${ERRORS_PAGE}`);
  });
}
