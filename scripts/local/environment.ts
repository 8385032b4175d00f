/**
 * The environment variables of the functions: `.env.local` of the project, over which the
 * process's own environment wins, and those that Convex sets itself.
 */
import { randomBytes } from "node:crypto";
import path from "node:path";
import { parseEnv } from "node:util";
import type { Environment } from "./runtime/globals";
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
  environment["CONVEX_SITE_URL"] = siteUrl;
  environment["CONVEX_CLOUD_URL"] = cloudUrl;
  // Without a key what must be secret at rest could not be stored; losing it loses those secrets.
  environment["ENCRYPTION_KEY"] ||= await readOrMake(path.join(data, "encryption.key"), () =>
    randomBytes(32).toString("base64"),
  );
  return environment;
}
