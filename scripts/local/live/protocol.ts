/**
 * The messages of the sync protocol, as `convex/browser` of the `convex` package defines them
 * (`src/browser/sync/protocol.ts`). Results pass as printed Convex JSON, and are set into messages
 * without being read.
 */
import type { JSONValue } from "convex/values";
import * as z from "zod";

const version = z
  .int()
  .min(0)
  .max(2 ** 31);
/** One object, which an older client may leave out. */
const args = z
  .array(z.custom<JSONValue>((value) => typeof value === "object" && !Array.isArray(value)))
  .max(1)
  .transform(([first]): JSONValue => first ?? {});
const name = z.string().max(1_000);
/** Components are a thing of deployments that have some. */
const componentPath = z.literal("").nullish();

const addQuery = z.object({
  type: z.literal("Add"),
  queryId: version,
  udfPath: name,
  args,
  journal: z.string().max(10_000).nullish(),
  componentPath,
});
const removeQuery = z.object({ type: z.literal("Remove"), queryId: version });
const request = { requestId: version, udfPath: name, args, componentPath };
const authenticate = {
  type: z.literal("Authenticate"),
  baseVersion: version,
};
const value = z.string().max(16_384);

const clientMessage = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("Connect"),
    sessionId: z.uuid(),
    connectionCount: version,
    lastCloseReason: z.string().nullable(),
    maxObservedTimestamp: z.string().max(12).nullish(),
    clientTs: z.number().nullish(),
  }),
  z.object({
    type: z.literal("ModifyQuerySet"),
    baseVersion: version,
    newVersion: version,
    modifications: z.array(z.discriminatedUnion("type", [addQuery, removeQuery])),
  }),
  z.object({ type: z.literal("Mutation"), ...request }),
  z.object({ type: z.literal("Action"), ...request }),
  z.discriminatedUnion("tokenType", [
    z.object({
      ...authenticate,
      tokenType: z.literal("Admin"),
      value,
      impersonating: z.record(z.string(), z.json()).nullish(),
    }),
    z.object({ ...authenticate, tokenType: z.literal("User"), value }),
    z.object({ ...authenticate, tokenType: z.literal("None") }),
  ]),
  z.object({ type: z.literal("Event"), eventType: z.string() }),
]);
export type ClientMessage = z.infer<typeof clientMessage>;
type MessageOf<T extends ClientMessage["type"]> = Extract<ClientMessage, { type: T }>;
export type Connect = MessageOf<"Connect">;
export type ModifyQuerySet = MessageOf<"ModifyQuerySet">;
export type AddQuery = z.infer<typeof addQuery>;
export type FunctionRequest = MessageOf<"Mutation"> | MessageOf<"Action">;
export type Authenticate = MessageOf<"Authenticate">;

/** The client has broken the protocol: it is told why, and its connection ends. */
export class ProtocolError extends Error {}

export function parseClientMessage(text: string): ClientMessage {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new ProtocolError("A message is not JSON");
  }
  const parsed = clientMessage.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue === undefined ? "" : ` at ${issue.path.join(".") || "its top"}`;
  throw new ProtocolError(`A message is not one of the sync protocol${where}: ${issue?.message}`);
}

/** How far a client has been brought: with which query set and identity, at which commit. */
export type StateVersion = { querySet: number; identity: number; ts: bigint };

/** What a query or a request has come to; texts are printed Convex JSON. */
export type Outcome =
  | { success: true; value: string }
  | { success: false; message: string; data: JSONValue | undefined };

export function queryUpdated(queryId: number, outcome: Outcome, journal: string | null): string {
  const journalText = JSON.stringify(journal);
  if (outcome.success) {
    return `{"type":"QueryUpdated","queryId":${queryId},"value":${outcome.value},"logLines":[],"journal":${journalText}}`;
  }
  const { message: errorMessage, data: errorData } = outcome;
  const failed = JSON.stringify({ type: "QueryFailed", queryId, errorMessage, errorData });
  return `${failed.slice(0, -1)},"logLines":[],"journal":${journalText}}`;
}

export function queryRemoved(queryId: number): string {
  return JSON.stringify({ type: "QueryRemoved", queryId });
}

export function transition(
  from: StateVersion,
  to: StateVersion,
  modifications: readonly string[],
  clock: { clientClockSkew?: number; serverTs: number },
): string {
  const head = JSON.stringify({
    type: "Transition",
    startVersion: { ...from, ts: encodeTs(from.ts) },
    endVersion: { ...to, ts: encodeTs(to.ts) },
    ...clock,
  });
  return `${head.slice(0, -1)},"modifications":[${modifications.join(",")}]}`;
}

export function mutationResponse(requestId: number, outcome: Outcome, ts: bigint): string {
  return response("MutationResponse", requestId, outcome, { ts: encodeTs(ts) });
}

export function actionResponse(requestId: number, outcome: Outcome): string {
  return response("ActionResponse", requestId, outcome, {});
}

function response(type: string, requestId: number, outcome: Outcome, more: object): string {
  if (outcome.success) {
    const head = JSON.stringify({ type, requestId, success: true, logLines: [], ...more });
    return `${head.slice(0, -1)},"result":${outcome.value}}`;
  }
  const { message: result, data: errorData } = outcome;
  return JSON.stringify({ type, requestId, success: false, result, errorData, logLines: [] });
}

export function authError(
  error: string,
  baseVersion: number,
  authUpdateAttempted: boolean,
): string {
  return JSON.stringify({ type: "AuthError", error, baseVersion, authUpdateAttempted });
}

export function fatalError(error: string): string {
  return JSON.stringify({ type: "FatalError", error });
}

export const PING = JSON.stringify({ type: "Ping" });

/**
 * A long transition in pieces, so that the line is not silent while it travels. Clients take
 * pieces since version 1.28 of the `convex` package.
 */
export function inChunks(text: string, length: number, transitionId: string): string[] {
  const totalParts = Math.ceil(text.length / length);
  return Array.from({ length: totalParts }, (_, partNumber) => {
    const chunk = text.slice(partNumber * length, (partNumber + 1) * length);
    return JSON.stringify({ type: "TransitionChunk", chunk, partNumber, totalParts, transitionId });
  });
}

/** Unsigned 64 bits as eight little-endian bytes in base64. */
function encodeTs(ts: bigint): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(ts);
  return bytes.toString("base64");
}
