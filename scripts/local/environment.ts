/**
 * The environment variables of the functions: `.env.local` of the project, over which the process's
 * own environment wins, over which wins what was set with `convex env set`, which names this
 * deployment and nothing else; and those that Convex sets itself.
 */
import { randomBytes } from "node:crypto";
import path from "node:path";
import { isDeepStrictEqual, parseEnv } from "node:util";
import type { Database } from "./database/types";
import { changeVariables, readVariables, type VariableChange } from "./environmentTable";
import type { Environment } from "./runtime/globals";
import { Problem } from "./problem";
import { readIfThere, readOrMake } from "./secrets";
import type { Turns } from "./turns";

export type Urls = { siteUrl: string; cloudUrl: string };

/** Refuses what the variables are to become, by a Problem, or gives what brings it about. */
export type Prepare = (next: Environment) => Promise<() => void>;

/** Of the project; see docs/configuration.md. */
export const ENVIRONMENT_FILE = ".env.local";

export class EnvironmentVariables {
  private given: Environment = {};
  private effective: Environment = {};
  private prepare: Prepare = () => Promise.resolve(() => undefined);

  private constructor(
    private readonly database: Database,
    private readonly turns: Turns,
    private readonly readGiven: () => Promise<Environment>,
  ) {}

  /** @param turns of everything that changes what functions run with: they see one state of it */
  static async load(
    database: Database,
    turns: Turns,
    project: string,
    data: string,
    urls: Urls,
  ): Promise<EnvironmentVariables> {
    const variables = new EnvironmentVariables(database, turns, () =>
      givenEnvironment(project, data, urls),
    );
    await variables.reread();
    return variables;
  }

  get current(): Environment {
    return this.effective;
  }

  /** From now on nothing changes that `prepare` refuses. */
  checkWith(prepare: Prepare): void {
    this.prepare = prepare;
  }

  /**
   * On disk when the promise resolves, and seen by every call from then on.
   * @throws InvalidVariable, Problem where the rest of the deployment cannot be with it; then nothing changes
   */
  async change(changes: readonly VariableChange[]): Promise<void> {
    await this.turns.take(async () => {
      const next = { ...this.given, ...changed(await this.stored(), changes) };
      const take = await this.prepare(next);
      await this.database.mutation(async (tx) => {
        changeVariables(tx, changes);
      });
      this.effective = next;
      take();
    });
  }

  /** Takes over what is in the file now. @throws Problem; then nothing changes */
  async reread(): Promise<void> {
    await this.turns.take(async () => {
      const given = await this.readGiven();
      if (isDeepStrictEqual(given, this.given)) return;
      const next = { ...given, ...(await this.stored()) };
      const take = await this.prepare(next);
      this.given = given;
      this.effective = next;
      take();
    });
  }

  private async stored(): Promise<Environment> {
    const set = await this.database.query(async (tx) => readVariables(tx));
    return Object.fromEntries(set.map(({ name, value }) => [name, value]));
  }
}

function changed(stored: Environment, changes: readonly VariableChange[]): Environment {
  const all = new Map(Object.entries(stored));
  for (const { name, value } of changes) {
    if (value === null) all.delete(name);
    else all.set(name, value);
  }
  return Object.fromEntries(all);
}

async function givenEnvironment(
  project: string,
  data: string,
  { siteUrl, cloudUrl }: Urls,
): Promise<Environment> {
  const file = await readIfThere(path.join(project, ENVIRONMENT_FILE));
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
