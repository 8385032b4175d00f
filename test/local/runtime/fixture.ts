/** The functions folder that these tests run, and a client that names functions by text. */
import { readFileSync } from "node:fs";
import { cp, mkdir, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { ConvexHttpClient } from "convex/browser";
import { makeFunctionReference } from "convex/server";
import type { Value } from "convex/values";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
export const FUNCTIONS = fileURLToPath(new URL("./fixture/convex", import.meta.url));

/** A project of its own in `folder` with the fixture's functions, to be changed. */
export async function projectIn(folder: string): Promise<string> {
  const functions = path.join(folder, "convex");
  await cp(FUNCTIONS, functions, { recursive: true });
  await writeFile(path.join(folder, "package.json"), '{"name":"project","type":"module"}');
  const packages = path.join(folder, "node_modules");
  await mkdir(packages);
  for (const name of ["convex", "convex-helpers", "hono"]) {
    await symlink(path.join(ROOT, "node_modules", name), path.join(packages, name));
  }
  return functions;
}

type Args = Record<string, Value>;
export type Client = {
  query(name: string, args?: Args): Promise<unknown>;
  mutation(name: string, args?: Args): Promise<unknown>;
  action(name: string, args?: Args): Promise<unknown>;
};

export function clientOf(url: string, adminKey?: string): Client {
  const client = new ConvexHttpClient(url, { logger: false });
  if (adminKey !== undefined) {
    (client as unknown as { setAdminAuth(key: string): void }).setAdminAuth(adminKey);
  }
  return {
    query: (name, args = {}) => client.query(makeFunctionReference<"query">(name), args),
    mutation: (name, args = {}) =>
      client.mutation(makeFunctionReference<"mutation">(name), args, { skipQueue: true }),
    action: (name, args = {}) => client.action(makeFunctionReference<"action">(name), args),
  };
}

export function adminKeyOf(data: string): string {
  return readFileSync(path.join(data, "admin.key"), "utf8").trim();
}

export async function rejectionOf(promise: Promise<unknown>): Promise<Error & { data?: unknown }> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error("The call succeeded");
}
