/** The official client, with functions named by text and everything that it heard kept. */
import { fileURLToPath } from "node:url";
import { ConvexClient, type ConvexClientOptions } from "convex/browser";
import { makeFunctionReference } from "convex/server";
import type { Value } from "convex/values";
import { eventually } from "../../helpers/server";

export const FUNCTIONS = fileURLToPath(new URL("./fixture/convex", import.meta.url));

type Args = Record<string, Value>;

/** All results of one subscription, in the order in which they came. */
export class Heard<T> {
  readonly values: T[] = [];
  readonly errors: (Error & { data?: unknown })[] = [];
  stop: () => void = () => undefined;

  get last(): T | undefined {
    return this.values.at(-1);
  }

  async until(holds: (value: T) => boolean): Promise<T> {
    const last = await eventually(
      () => this.last,
      (value) => value !== undefined && holds(value),
    );
    return last as T;
  }
}

export class LiveClient {
  readonly convex: ConvexClient;

  constructor(url: string, options: ConvexClientOptions = {}) {
    this.convex = new ConvexClient(url, { logger: false, ...options });
  }

  subscribe<T>(name: string, args: Args = {}): Heard<T> {
    const heard = new Heard<T>();
    heard.stop = this.convex.onUpdate(
      makeFunctionReference<"query">(name),
      args,
      (value: T) => heard.values.push(value),
      (error) => heard.errors.push(error),
    );
    return heard;
  }

  async mutation(name: string, args: Args = {}): Promise<unknown> {
    return (await this.convex.mutation(makeFunctionReference<"mutation">(name), args)) as unknown;
  }

  async action(name: string, args: Args = {}): Promise<unknown> {
    return (await this.convex.action(makeFunctionReference<"action">(name), args)) as unknown;
  }

  /** Asked for until it holds: a token that the client is just fetching anew signs in once more. */
  async signOut(isSignedOut: () => boolean): Promise<void> {
    await eventually(() => {
      this.convex.client.clearAuth();
      return isSignedOut();
    }, Boolean);
  }

  close(): Promise<void> {
    return this.convex.close();
  }
}
