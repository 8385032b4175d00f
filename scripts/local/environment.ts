/**
 * The environment variables of the functions: `.env.local` of the project, over which the
 * process's own environment wins, and those that Convex sets itself.
 */
import { randomBytes } from "node:crypto";
import path from "node:path";
import { parseEnv } from "node:util";
import type { Environment } from "./runtime/globals";
import { Problem } from "./problem";
import { readIfThere, readOrMake } from "./secrets";

export type Urls = { siteUrl: string; cloudUrl: string };

export async function functionEnvironment(
  project: string,
  data: string,
  { siteUrl, cloudUrl }: Urls,
): Promise<Environment> {
  const file = await readIfThere(path.join(project, ".env.local"));
  const environment: Record<string, string> = {};
  for (const source of [file === null ? {} : parseEnv(file), process.env]) {
    for (const [name, value] of Object.entries(source)) {
      if (value !== undefined) environment[name] = value;
    }
  }
  // Behind a proxy clients know the deployment by other names, as a self-hosted Convex is told too.
  environment["CONVEX_SITE_URL"] = originOr(siteUrl, environment["CONVEX_SITE_ORIGIN"]);
  environment["CONVEX_CLOUD_URL"] = originOr(cloudUrl, environment["CONVEX_CLOUD_ORIGIN"]);
  // Without a key what must be secret at rest could not be stored; losing it loses those secrets.
  environment["ENCRYPTION_KEY"] ||= await readOrMake(path.join(data, "encryption.key"), () =>
    randomBytes(32).toString("base64"),
  );
  return environment;
}

function originOr(own: string, given: string | undefined): string {
  if (given === undefined || given === "") return own;
  if (URL.canParse(given) && /^https?:/.test(given)) return given.replace(/\/+$/, "");
  throw new Problem(
    `"${given}" is not the URL of a server; set an origin like https://example.com`,
  );
}
