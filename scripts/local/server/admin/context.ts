/** What the routes for who holds the admin key are given, and how they refuse. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type * as z from "zod";
import type { EnvironmentVariables } from "../../environment";
import type { Identities } from "../../identity";
import type { Metrics } from "../../metrics";
import type { Host } from "../../runtime/host";
import type { Exports } from "../../transfer/exports";
import type { Imports } from "../../transfer/imports";
import type { AdminKey } from "../adminKey";
import { readBody } from "../body";

export type AdminOptions = {
  host: Host;
  identities: Identities;
  variables: EnvironmentVariables;
  exports: Exports;
  imports: Imports;
  adminKey: AdminKey;
  metrics: Metrics;
  trustProxy: boolean;
};

export type AdminContext = AdminOptions & {
  url: URL;
  request: IncomingMessage;
  response: ServerResponse;
};

export type AdminRoute = {
  method: "GET" | "POST" | "*";
  path: RegExp;
  handle(context: AdminContext): Promise<void>;
};

/** Answered as `{ code, message }`, which the command line shows. */
export class AdminRefusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** @throws AdminRefusal for a body that is not JSON of that shape */
export async function readJson<T>(
  request: IncomingMessage,
  shape: z.ZodType<T>,
  limit: number,
): Promise<T> {
  const text = (await readBody(request, limit)).toString("utf8");
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new AdminRefusal(400, "BadJsonBody", "The request body is not JSON");
  }
  const parsed = shape.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue === undefined ? "" : `${issue.path.join(".")}: ${issue.message}`;
  throw new AdminRefusal(400, "BadJsonBody", `The request body does not fit: ${where}`);
}
