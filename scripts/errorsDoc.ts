/** `npm run errors`: writes docs/errors.md from the list of error codes. */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";
import { ERROR_CODES } from "../convex/kit/errors";
import { runScript } from "./commandLine";

export const ERRORS_PAGE = fileURLToPath(new URL("../docs/errors.md", import.meta.url));

const HEAD = `# Error codes

Made from \`convex/kit/errors.ts\` by \`npm run errors\`; change it there.

Every refusal has the same body. \`code\` is one of the list below and does not change; \`message\` is for people and may. \`details\` is \`null\` where nothing is said of it. Quote \`meta.traceId\` when you ask about an answer: it is also the header \`X-Request-Id\`, and in the log.

\`\`\`json
{
  "success": false,
  "data": null,
  "error": {
    "code": "VALIDATION_ERROR",
    "message": "body.email: must be an e-mail address",
    "details": [{ "path": "body.email", "message": "must be an e-mail address" }]
  },
  "meta": { "traceId": "0f3c…" }
}
\`\`\`

| Status | Code | Meaning |
| --- | --- | --- |
`;

const FOOT = `
\`NOT_FOUND\` is a family: the code names what is missing, as in \`CONTACT_NOT_FOUND\` or \`PROJECT_NOT_FOUND\`. Something of another organization is not found either. 429 and 503 carry \`Retry-After\` in seconds; 405 carries \`Allow\`; 401 carries \`WWW-Authenticate\`. What to do about them is in [troubleshooting.md](troubleshooting.md).
`;

/** The page as it should be. */
export async function errorsPage(): Promise<string> {
  const rows = Object.entries(ERROR_CODES).map(
    ([code, [status, meaning]]) =>
      `| ${status} | \`${code}\` | ${meaning.replaceAll("|", "\\\\|")} |`,
  );
  const options = await resolveConfig(ERRORS_PAGE);
  return await format(HEAD + rows.join("\n") + "\n" + FOOT, { ...options, filepath: ERRORS_PAGE });
}

if (process.argv[1] === import.meta.filename) {
  await runScript("Usage: npm run errors\n\nWrites docs/errors.md.", [], async () => {
    await writeFile(ERRORS_PAGE, await errorsPage());
    console.log(`Written: ${ERRORS_PAGE}`);
  });
}
