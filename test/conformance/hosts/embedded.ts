/** Freehold's own deployment on a folder of its own, called over HTTP as clients do. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { ConvexHttpClient } from "convex/browser";
import { makeFunctionReference, type UserIdentityAttributes } from "convex/server";
import { ConvexError } from "convex/values";
import { expect, vi } from "vitest";
import { startDeployment } from "../../../scripts/local/deployment";
import { flushLog, redirectLog } from "../../../scripts/local/runtime/log";
import { api } from "../api";
import type { Call, Host } from "../hosts";

const functions = fileURLToPath(new URL("../convex", import.meta.url));

/** What the client can do but its published types leave out. */
type AdminClient = { setAdminAuth(key: string, actingAs?: UserIdentityAttributes): void };

/**
 * The deployment tells clients as little of an error as Convex tells them in production: a request
 * id. As its owner would, this looks the id up in the deployment's log.
 */
function errorLog() {
  const messages = new Map<string, string>();
  const restore = redirectLog((text) => {
    for (const line of text.split("\n").filter((part) => part !== "")) {
      const { requestId, message } = JSON.parse(line) as { requestId?: string; message: string };
      if (requestId !== undefined) messages.set(requestId, message);
    }
  });
  return {
    restore,
    /** The same error, with the message that the log has for it. */
    unredacted(error: unknown): unknown {
      if (!(error instanceof Error) || error instanceof ConvexError) return error;
      const id = /^\[Request ID: (\w+)\] Server Error$/.exec(error.message)?.[1];
      flushLog();
      return id === undefined ? error : new Error(messages.get(id) ?? error.message);
    },
  };
}

export async function startEmbedded(): Promise<Host> {
  const logged = errorLog();
  const data = await mkdtemp(path.join(tmpdir(), "freehold-conformance-"));
  const deployment = await startDeployment({
    data,
    functions,
    sitePort: 0,
    cloudPort: 0,
    demo: false,
  }).catch(async (error: unknown) => {
    logged.restore();
    await rm(data, { recursive: true, force: true });
    throw error;
  });
  const client = () => new ConvexHttpClient(deployment.cloudUrl, { logger: false });
  const key = (await readFile(path.join(data, "admin.key"), "utf8")).trim();
  const told = <T>(call: Promise<T>): Promise<T> =>
    call.catch((error: unknown) => {
      throw logged.unredacted(error);
    });
  const callsAs = (
    identity?: UserIdentityAttributes,
  ): Pick<Host, "query" | "mutation" | "action"> => {
    const owner = client();
    (owner as unknown as AdminClient).setAdminAuth(key, identity);
    return {
      query: (fn, args) => told((owner.query as Call<"query">).call(owner, fn, args)),
      // Not queued by the client: two calls at once reach the server at once.
      mutation: (fn, args) =>
        told(
          (owner.mutation as unknown as (...all: unknown[]) => Promise<never>).call(
            owner,
            fn,
            args,
            { skipQueue: true },
          ),
        ),
      action: (fn, args) => told((owner.action as Call<"action">).call(owner, fn, args)),
    };
  };
  const owner = callsAs();
  return {
    name: "embedded",
    ...owner,
    as: callsAs,
    anonymousQuery: (name, args) =>
      told(client().query(makeFunctionReference<"query">(name), args)),
    fetch: (where, init) => fetch(deployment.siteUrl + where, init),
    async finishScheduled() {
      await vi.waitFor(
        async () => {
          expect(await owner.query(api.schedule.due, { by: Date.now() })).toBe(0);
        },
        { timeout: 5000, interval: 2 },
      );
    },
    async reset() {
      await owner.mutation(api.reset.everything, {});
    },
    async close() {
      await deployment.stop();
      logged.restore();
      await rm(data, { recursive: true, force: true });
    },
  };
}
