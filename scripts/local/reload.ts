/**
 * `npm start -- --watch`: takes the functions folder as it is saved. Code, schema and crons change
 * together between two transactions, or, where anything of it is wrong, not at all: then the last
 * good code goes on running.
 */
import type { EmbeddedDatabase } from "./database";
import { messageOf, Problem } from "./problem";
import { keepOnly } from "./runtime/bundleCache";
import { type Code, loadCode } from "./runtime/code";
import type { Environment } from "./runtime/globals";
import type { Host } from "./runtime/host";
import { log } from "./runtime/log";
import type { Functions } from "./runtime/modules";
import { Rebuilds } from "./runtime/rebuilds";
import { checkCrons, type Crons } from "./scheduler/crons";
import type { Turns } from "./turns";

export type ReloaderOptions = {
  /** The functions folder, and where its bundles are kept. */
  functions: string;
  bundles: string;
  database: EmbeddedDatabase;
  host: Host;
  crons: Crons;
  environment: () => Environment;
  /** Of everything that changes what functions run with. */
  turns: Turns;
};

export class Reloader {
  private reloading: Promise<void> = Promise.resolve();
  private isQueued = false;
  private failed = false;
  /** Replaced, with actions that still run on it. */
  private readonly draining = new Set<Code>();
  private readonly rebuilds = new Rebuilds();

  constructor(private readonly options: ReloaderOptions) {}

  /** Takes what is saved now, after a reload that is under way; resolves when that is done. */
  reload(): Promise<void> {
    if (this.isQueued) return this.reloading;
    this.isQueued = true;
    this.reloading = this.options.turns.take(async () => {
      this.isQueued = false;
      const begun = performance.now();
      try {
        const changed = await this.takeSaved();
        const took = `${Math.round(performance.now() - begun)} ms`;
        if (changed) log("info", `Reloaded ${this.options.functions} in ${took}`);
        else if (this.failed) log("info", "Saved is again what runs");
        this.failed = false;
      } catch (error) {
        this.failed = true;
        log("error", `Not reloaded, the last good code runs on: ${messageOf(error)}`);
      }
    });
    return this.reloading;
  }

  /** Ends what still runs on replaced code. */
  async stop(): Promise<void> {
    await this.reloading;
    await this.rebuilds.close();
    await Promise.all([...this.draining].map(({ pool }) => pool.close()));
  }

  private async takeSaved(): Promise<boolean> {
    const { functions, bundles, database, host, crons, environment } = this.options;
    const current = host.code;
    const { build } = this.rebuilds;
    const saved = await loadCode(functions, bundles, environment(), { current, build });
    if (saved === current) return false;
    try {
      checkCrons(saved.functions);
      await applyFunctions(database, saved.functions, () => {
        host.adopt(saved);
      });
    } catch (error) {
      await saved.pool.close();
      throw error;
    }
    await crons.start();
    this.retire(current);
    return true;
  }

  /** Actions under way keep their threads and the files that these have yet to load. */
  private retire(code: Code): void {
    this.draining.add(code);
    void code.pool.drain().then(async () => {
      this.draining.delete(code);
      const { host, bundles, turns } = this.options;
      // Not while a reload takes over what one of them has.
      const removed = turns.take(async () => {
        const used = [host.code, ...this.draining].map(({ bundle }) => bundle.folder);
        await keepOnly(bundles, used);
      });
      await removed.catch((error: unknown) => {
        log("warn", `Old bundles could not be removed: ${messageOf(error)}`);
      });
    });
  }
}

/** Brings the database to the functions' schema; `adopt` is called when it is, between transactions. */
export async function applyFunctions(
  database: EmbeddedDatabase,
  { schema }: Functions,
  adopt: () => void,
): Promise<void> {
  if (schema === null) {
    adopt();
    return;
  }
  try {
    await database.applySchema(schema, adopt);
  } catch (error) {
    throw new Problem(`schema: ${messageOf(error).replaceAll(/\s*\n\s*/g, " ")}`);
  }
}
