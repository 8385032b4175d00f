import { existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { answerOf, type Body, type Request, requester } from "./answer";
import { type AnswerCheck, answerCheck, type OpenApi } from "./openapi";
import { type ServerOptions, startServer, type TestServer } from "./server";

export type Demo = {
  organizationId: string;
  apiKey: string;
  staff: { email: string; password: string; sessionToken: string };
  siteUrl: string;
  cloudUrl: string;
};

/** A server with its demo's key: every answer is checked against the document that a server serves. */
export type Site = { server: TestServer; demo: Demo; request: Request; document: OpenApi };

/** What a document's checks have compiled is kept with it. */
type Documented = { document: OpenApi; check: AnswerCheck };

/** By the functions' folder: a third of a start's time goes into making it, and it is the same for all. */
const documented = new Map<string, Documented>();

async function documentedBy(siteUrl: string, functions = ""): Promise<Documented> {
  const known = documented.get(functions);
  if (known) return known;
  const plain = await answerOf(await fetch(`${siteUrl}/api/v1/openapi.json`));
  const document = plain.body as unknown as OpenApi;
  const made = { document, check: answerCheck(document) };
  documented.set(functions, made);
  return made;
}

export async function startSite(options: ServerOptions = {}): Promise<Site> {
  const { env, ...others } = options;
  const server = await startServer({ ...others, env: { RATE_LIMIT_FACTOR: "1000", ...env } });
  const demo = (await server.readJson("demo.json")) as Demo;
  const { document, check } = await documentedBy(server.siteUrl, options.functions);
  const ask = (at: string, init: RequestInit): Promise<Response> =>
    fetch(server.siteUrl + at, init);
  return { server, demo, document, request: requester(ask, demo.apiKey, check) };
}

/** Runs an internal function with the deployment's admin key. */
export async function runInternal(
  { server }: Site,
  kind: "query" | "mutation" | "action",
  name: string,
  args: object,
): Promise<unknown> {
  const adminKey = (await readFile(path.join(server.data, "admin.key"), "utf8")).trim();
  const response = await fetch(`${server.cloudUrl}/api/${kind}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Convex ${adminKey}` },
    body: JSON.stringify({ path: name, format: "json", args: [args] }),
  });
  const answer = (await response.json()) as {
    status?: string;
    value?: unknown;
    errorMessage?: string;
  };
  if (answer.status !== "success")
    throw new Error(`${name}: ${answer.errorMessage ?? response.status}`);
  return answer.value;
}

/** What stands beside the organization's objects and does not fit them. */
export async function differencesOf(
  site: Site,
): Promise<{ checked: number; differences: unknown[] }> {
  let checked = 0;
  const differences: unknown[] = [];
  let cursor: string | null = null;
  for (;;) {
    const paginationOpts = { numItems: 200, cursor };
    const args = { organizationId: site.demo.organizationId, paginationOpts };
    const page = (await runInternal(site, "query", "integrity:page", args)) as {
      checked: number;
      differences: unknown[];
      isDone: boolean;
      continueCursor: string;
    };
    checked += page.checked;
    differences.push(...page.differences);
    if (page.isDone) return { checked, differences };
    cursor = page.continueCursor;
  }
}

/** Every contact that a list of these parameters has, by cursor; the total must be their number. */
export async function allContacts(request: Request, query = ""): Promise<Body[]> {
  const contacts: Body[] = [];
  let cursor: string | null = null;
  let total: number | null;
  do {
    const at: string = cursor === null ? "" : `&cursor=${cursor}`;
    const { body } = await request("GET", `/crm/contacts?limit=200${at}&${query}`);
    contacts.push(...body.contacts);
    ({ nextCursor: cursor, total } = body);
  } while (cursor !== null);
  if (total !== contacts.length)
    throw new Error(`The total is ${total}, the contacts are ${contacts.length}.`);
  return contacts;
}

/** The folder that may stand beside the repository. */
export const SHARED = fileURLToPath(new URL("../../../shared/", import.meta.url));

/** A file of that folder, or null where it is absent. */
export function sharedFile(name: string): string | null {
  const file = path.join(SHARED, name);
  return existsSync(file) ? readFileSync(file, "utf8") : null;
}
