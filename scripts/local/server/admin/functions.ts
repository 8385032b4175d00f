/** `convex run`: any function by its name, with the whole error and what it wrote to its log. */
import type { JSONValue } from "convex/values";
import { FunctionFailure, Refusal } from "../../runtime/errors";
import type { LogLine } from "../../runtime/executions";
import { findFunction } from "../../runtime/modules";
import { canonicalName } from "../../runtime/names";
import { messageOf } from "../../problem";
import { authorize } from "../authorize";
import { readBody } from "../body";
import { requestInfo } from "../caller";
import { BadRequest, type FunctionCallBody, parseCall } from "../functionCall";
import { sendJson } from "../reply";
import { AdminRefusal, type AdminContext, type AdminRoute } from "./context";

/** Of a whole request: arguments may be 16 MiB, and escaping makes text longer. */
const MAX_BODY = 32 * 2 ** 20;
/** What Convex answers when the function, and not the request, has failed. */
const FUNCTION_FAILED = 560;

export const functionRoutes: AdminRoute[] = [
  { method: "POST", path: /^\/api\/function$/, handle: callFunction },
  {
    method: "POST",
    path: /^\/api\/run_test_function$/,
    handle: refuseInlineQuery,
  },
];

/** Convex runs such code in a sandbox; this host would run it with all that its process may do. */
function refuseInlineQuery(): never {
  throw new AdminRefusal(
    400,
    "InlineQueriesNotServed",
    "This deployment runs no inline queries. Put the query in convex/ and run it by name, or " +
      "read the table with `npx convex data`.",
  );
}

async function callFunction(context: AdminContext): Promise<void> {
  const { host, identities, adminKey, request, response, trustProxy } = context;
  // `convex run --identity`: who is acted as stands behind the key.
  const { identity } = await authorize(request.headers.authorization, identities, adminKey);
  const { path, args } = await readCall(context);
  const logLines: string[] = [];
  const onLog = (line: LogLine): void => {
    logLines.push(`[${line.level}] ${line.messages.join(" ")}`);
  };
  const info = { ...requestInfo(request, trustProxy, identity), onLog };
  try {
    const name = canonicalName(path);
    const { kind } = findFunction(host.functions, name, "admin");
    if (kind === "httpAction") throw new Refusal(`${path} is an HTTP action; call it by its route`);
    const value = await host.run(kind, name, args, info, "admin");
    sendJson(
      response,
      200,
      `{"status":"success","value":${value},"logLines":${JSON.stringify(logLines)}}`,
    );
  } catch (error) {
    const errorData: JSONValue | undefined =
      error instanceof FunctionFailure ? error.data : undefined;
    const errorMessage = `[Request ID: ${info.requestId}] Server Error\n${messageOf(error)}`;
    const failure = { status: "error", errorMessage, errorData, logLines };
    sendJson(response, FUNCTION_FAILED, JSON.stringify(failure));
  }
}

async function readCall({ request }: AdminContext): Promise<FunctionCallBody> {
  const text = (await readBody(request, MAX_BODY)).toString("utf8");
  try {
    return parseCall(text);
  } catch (error) {
    if (error instanceof BadRequest) throw new AdminRefusal(400, "BadRequest", error.message);
    throw error;
  }
}
