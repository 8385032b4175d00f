/**
 * Builds that will be made again: esbuild keeps what it has read of the files that stay the same.
 * That takes memory, so only a deployment that follows its folder has them.
 */
import { type BuildContext, context } from "esbuild";
import type { Build } from "./esbuild";

export class Rebuilds {
  private readonly kept = new Map<string, { told: string; context: BuildContext }>();

  readonly build: Build = async (name, told, options) => {
    let known = this.kept.get(name);
    if (known?.told !== told) {
      await known?.context.dispose();
      known = { told, context: await context(options) };
      this.kept.set(name, known);
    }
    return await known.context.rebuild();
  };

  async close(): Promise<void> {
    await Promise.all([...this.kept.values()].map(({ context }) => context.dispose()));
    this.kept.clear();
  }
}
