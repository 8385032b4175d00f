import type { CallerKind } from "../caller";
import type { EndpointDefinition, EndpointKind } from "../endpoint";
import type { IncomingWebhookDefinition } from "../incomingWebhook";

/**
 * What the door must know of an endpoint to hand a request on: no schema, no handler. On Convex every
 * request loads `http.ts` afresh, so that it must not bring the whole application along; routes.ts is
 * made from the definitions by `npm run codegen`, and a test compares the two.
 */
export type EndpointRoute = Pick<
  EndpointDefinition,
  | "method"
  | "path"
  | "tenantInPath"
  | "notesPull"
  | "finishes"
  | "triesTokens"
  | "takesSecret"
  | "setsCookie"
  | "bodyLimit"
  | "literal"
  | "goesOn"
  | "alternatives"
> & {
  /** As Convex calls it: `api/v1/contacts:create`. */
  functionName: string;
  kind: EndpointKind;
  scope: string | null;
  callers?: readonly CallerKind[];
  isPersonal?: true;
  /** For everybody: no credential is read. */
  isPublic?: true;
  /** The name of the action that is asked before the transaction. */
  consults?: string;
  takesBody?: true;
  sendsFile?: true;
  streams?: true;
  /** Media types of a body that is not JSON. */
  raw?: readonly string[];
};

export type IncomingRoute = Pick<
  IncomingWebhookDefinition,
  | "path"
  | "provider"
  | "secret"
  | "signature"
  | "identity"
  | "varying"
  | "challenge"
  | "refusesUnreadable"
> & {
  /** As Convex calls its handler. */
  functionName: string;
};
