/**
 * The environment variables of the functions: `.env.local` of the project, over which the process's
 * own environment wins, over which wins what was set with `convex env set`, which names this
 * deployment and nothing else; and those that Convex sets itself.
 */
import { randomBytes } from "node:crypto";
import path from "node:path";
import { parseEnv } from "node:util";
import type { Database } from "./database/types";
import { changeVariables, readVariables, type VariableChange } from "./environmentTable";
import type { Environment } from "./runtime/globals";
import { Problem } from "./problem";
import { readIfThere, readOrMake } from "./secrets";

export type Urls = { siteUrl: string; cloudUrl: string };

export class EnvironmentVariables {
  private effective: Environment;
  private readonly listeners: ((current: Environment) => void)[] = [];

  private constructor(
    private readonly database: Database,
    private readonly given: Environment,
  ) {
    this.effective = given;
  }

  static async load(
    database: Database,
    project: string,
    data: string,
    urls: Urls,
  ): Promise<EnvironmentVariables> {
    const variables = new EnvironmentVariables(
      database,
      await givenEnvironment(project, data, urls),
    );
    await variables.reload();
    return variables;
  }

  get current(): Environment {
    return this.effective;
  }

  onChange(listener: (current: Environment) => void): void {
    this.listeners.push(listener);
  }

  /** On disk when the promise resolves, and seen by every call from then on. @throws InvalidVariable */
  async change(changes: readonly VariableChange[]): Promise<void> {
    await this.database.mutation(async (tx) => {
      changeVariables(tx, changes);
    });
    await this.reload();
  }

  private async reload(): Promise<void> {
    const set = await this.database.query(async (tx) => readVariables(tx));
    const stored = Object.fromEntries(set.map(({ name, value }) => [name, value]));
    this.effective = { ...this.given, ...stored };
    for (const listener of this.listeners) listener(this.effective);
  }
}

async function givenEnvironment(
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
