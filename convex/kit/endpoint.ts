import type { RegisteredMutation, RegisteredQuery } from "convex/server";
import type * as z from "zod";
import type { Doc } from "../_generated/dataModel";
import {
  internalMutation,
  internalQuery,
  type MutationCtx,
  type QueryCtx,
} from "../_generated/server";
import type { WriteScope } from "../ontology/effects";
import { TenantReader } from "../ontology/reader";
import { type ObjectDoc, type ObjectType, objectTypes } from "../ontology/registry";
import type { ObjectStore } from "../ontology/store";
import { type Caller, type CallerKind, credentialValidator } from "./caller";
import { type ErrorCode, notFound } from "./errors";
import { type RequestInput, parseInput, requestValidator, schemasOf } from "./input";
import { callersOfOrganizations } from "./askers";
import { type WriteCall, writeCallValidator, type WriteReply } from "./calls";
import { serveRead, serveWrite, writing } from "./pipeline";
import { organizationOf } from "./own";
import type { FinishName, Unfinished } from "./http/finishes";
import type { Consultation } from "./outside";
import { type Answer, type Reply } from "./reply";
import { claimUpload, type Upload } from "./uploads";
import { requireVersion } from "./version";
import type { Scope } from "./scopes";

export { type Answer, created, noContent, ok, type Reply } from "./reply";

/**
 * An endpoint is one export: a Convex function, a REST route, its schemas, its scope, its OpenAPI
 * entry. `readEndpoint` makes a query, `writeEndpoint` a mutation; both authenticate, authorize,
 * resolve the subject and validate before the handler runs, in the handler's own transaction.
 * Input and output cross the function boundary as JSON text: a caller's keys may be any Unicode,
 * Convex's field names may not.
 */
export type EndpointDefinition = {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below `/api/v1`, with parameters as `:name`. */
  path: string;
  tag: string;
  summary: string;
  description?: string;
  /** What a caller's key or role must cover. */
  scope: Scope;
  /** Any of these will do as well: the handler answers by what each of them covers. */
  orScopes?: readonly Scope[];
  /** Who may call at all: staff and API keys where nothing else is said. */
  callers?: readonly CallerKind[];
  /** `:id` is the tenant; `X-Tenant-Id` is not asked for. */
  tenantInPath?: true;
  /** A device comes for what has changed: that is noted beside the query, which cannot write. */
  notesPull?: true;
  /** What the query must not do, because it may be cached: see http/finishes.ts. */
  finishes?: FinishName;
  /** What must be asked of the world outside before the transaction: see outside.ts. */
  consults?: Consultation;
  /**
   * A place to try tokens at: refused strangers may come back ten times a minute, and so may those
   * who are signed in where the token is in the body (a person's endpoint).
   */
  triesTokens?: true;
  /** The type of object that `:id` names: it is resolved in the tenant, and `If-Match` applies. */
  subject?: ObjectType;
  /** Where `:id` names what the subject belongs to: the parameter that names the subject, and the other's type. */
  within?: { type: ObjectType; param: string };
  /** Of these, as of the body and the answers, what makes the schema: it is built when it is needed. */
  params?: () => z.ZodObject;
  query?: () => z.ZodObject;
  /** Parameters that the documented client sends as `undefined` where it has no value: left out. */
  saysUndefined?: readonly string[];
  body?: () => z.ZodType;
  /** What OpenAPI shows of a body whose parts are judged one by one. */
  documentedBody?: () => z.ZodType;
  /** A body as documentation shows it. Sent as it is, it is answered 2xx: test/http/examples.test.ts. */
  example?: unknown;
  /**
   * Of a body that is not JSON, by media type, an example, or null where it is bytes. It is staged, and
   * the handler is given the upload.
   */
  raw?: Readonly<Record<string, string | null>>;
  /** Bytes; 1 MiB where nothing else is said. */
  bodyLimit?: number;
  /** By status: the schema of `data`, or null for an answer without a body. */
  answers: Partial<Record<200 | 201 | 204, (() => z.ZodType) | null>>;
  /** The answer is the documented body itself, without the envelope. */
  literal?: true;
  list?: true;
  /** An answer that is sent page by page, see http/stream.ts: by media type, the schema of `data`. */
  streams?: Record<string, (() => z.ZodType) | null>;
  /** One query cannot read it all: it is asked again with `cursor=data.next`, see http/goOn.ts. */
  goesOn?: true;
  /** The answer is a file, see http/file.ts: the media types that it can have. */
  files?: readonly string[];
  /** Where `Accept` prefers such a media type, the endpoint of this other path answers. */
  alternatives?: Record<string, string>;
  /** With `?dryRun=true` the handler itself tells what would happen; any other is rolled back. */
  rehearsesItself?: true;
  /** Error codes beside those that every endpoint can give. */
  errors?: readonly ErrorCode[];
  /** Fields of `data` that are shown once: an idempotent replay has null there. */
  secrets?: readonly string[];
  /**
   * Its body has a password or a code, so that nothing is kept of it, not even a digest that could be
   * guessed at: `Idempotency-Key` is not heeded.
   */
  takesSecret?: true;
  /** A browser gets the session in a cookie: always, or where the body says `"cookie": true`. */
  setsCookie?: "always" | "asked";
};

export type EndpointKind = "query" | "mutation";
export type Endpoint = Omit<EndpointDefinition, "scope"> & {
  kind: EndpointKind;
  /** Null where the caller is a person or nobody, see personalEndpoint.ts and publicEndpoint.ts. */
  scope: Scope | null;
  isPersonal?: true;
  isPublic?: true;
};

/** Metadata stands beside the function: a richer return type would make `internal.*` untyped. */
const endpoints = new WeakMap<object, Endpoint>();

export function registerEndpoint(registered: object, endpoint: Endpoint): void {
  endpoints.set(registered, endpoint);
}

export function endpointOf(exported: unknown): Endpoint | undefined {
  return typeof exported === "object" || typeof exported === "function"
    ? endpoints.get(exported as object)
    : undefined;
}

/** What takes a body has an example of it, of its schema's own type; nothing else has one. */
export type WithExample<Definition extends Pick<EndpointDefinition, "body" | "documentedBody">> =
  Definition extends { documentedBody: infer Body extends () => z.ZodType }
    ? { example: NonNullable<z.input<ReturnType<Body>>> }
    : Definition extends { body: infer Body extends () => z.ZodType }
      ? { example: NonNullable<z.input<ReturnType<Body>>> }
      : { example?: never };

type Output<Schema extends (() => z.ZodType) | undefined> = Schema extends () => z.ZodType
  ? z.output<ReturnType<Schema>>
  : undefined;

/** The three parts of a request, as their schemas give them. */
export type Input<Definition extends Pick<EndpointDefinition, "params" | "query" | "body">> = {
  params: Output<Definition["params"]>;
  query: Output<Definition["query"]>;
  body: Output<Definition["body"]>;
};

type Subject<Definition extends EndpointDefinition> = Definition["subject"] extends ObjectType
  ? ObjectDoc<Definition["subject"]>
  : undefined;

/** What a handler answers: what the door finishes is not as it is documented yet. */
export type AnswerOf<Definition extends Pick<EndpointDefinition, "answers" | "finishes">> =
  Definition["finishes"] extends FinishName
    ? Answer<Unfinished<Definition["finishes"], DocumentedAnswer<Definition>["data"]>>
    : DocumentedAnswer<Definition>;

/** As the schemas of its answers have it. */
export type DocumentedAnswer<Definition extends Pick<EndpointDefinition, "answers">> = {
  [S in keyof Definition["answers"]]: Definition["answers"][S] extends () => z.ZodType
    ? Answer<z.input<ReturnType<Definition["answers"][S]>>>
    : Answer<null>;
}[keyof Definition["answers"]];

/** A read's context. There is no clock, request id or address in it: they would end its caching. */
export type ReadContext = QueryCtx & { caller: Caller; tenant: TenantReader };

export type WriteContext = MutationCtx & {
  caller: Caller;
  /** Reads and writes of the caller's tenant. */
  store: ObjectStore;
  scope: WriteScope;
  organization: Doc<"organizations">;
  /** As sent; endpoints with a `subject` have it checked already. */
  ifMatch: string | undefined;
  dryRun: boolean;
};

type ReadHandler<Definition extends EndpointDefinition> = (
  ctx: ReadContext,
  input: Input<Definition> & { subject: Subject<Definition> },
) => Promise<AnswerOf<Definition>>;

type WriteHandler<Definition extends EndpointDefinition> = (
  ctx: WriteContext,
  input: Input<Definition> & {
    subject: Subject<Definition>;
    upload: Definition["raw"] extends object ? Upload : null;
    consulted: Consulted<Definition>;
  },
) => Promise<AnswerOf<Definition>>;

/** What was found before the transaction, where the endpoint asks for it. */
export type Consulted<Definition extends Pick<EndpointDefinition, "consults">> =
  Definition["consults"] extends Consultation<infer Found> ? z.output<Found> : null;

/** What the functions of endpoints are. */
export type ReadFunction = RegisteredQuery<"internal", ReadArgs, Promise<Reply>>;
export type WriteFunction = RegisteredMutation<"internal", WriteArgs, Promise<WriteReply>>;
type ReadArgs = { credential: typeof credentialValidator.type; request: RequestInput };
type WriteArgs = { call: WriteCall; request: RequestInput };

export function readEndpoint<const Definition extends EndpointDefinition>(
  definition: Definition & WithExample<Definition>,
  handler: ReadHandler<Definition>,
): ReadFunction {
  const schemas = schemasOf(definition);
  const registered = internalQuery({
    args: { credential: credentialValidator, request: requestValidator },
    handler: async (ctx, { credential, request }): Promise<Reply> => {
      const asked = { credential, door: definition };
      return await serveRead(ctx, callersOfOrganizations, asked, async ({ caller }) => {
        const tenant = new TenantReader(ctx, caller);
        const subject = await subjectOf(definition, tenant, request);
        const zone = async (): Promise<string> => (await organizationOf(ctx, caller)).timeZone;
        const input = (await parseInput(schemas, request, zone)) as Input<Definition>;
        const context = { ...ctx, caller, tenant };
        return await handler(context, { ...input, subject: subject as Subject<Definition> });
      });
    },
  });
  registerEndpoint(registered, { ...definition, kind: "query" });
  return registered;
}

export function writeEndpoint<const Definition extends EndpointDefinition>(
  definition: Definition & WithExample<Definition>,
  handler: WriteHandler<Definition>,
): WriteFunction {
  type HandlerInput = Parameters<typeof handler>[1];
  const schemas = schemasOf(definition);
  const registered = internalMutation({
    args: { call: writeCallValidator, request: requestValidator },
    handler: async (ctx, { call, request }): Promise<WriteReply> => {
      const asked = { call, door: definition };
      return await serveWrite(ctx, callersOfOrganizations, asked, async (admitted) => {
        const { who, home: organization } = admitted;
        const by = { caller: who.caller, organization };
        return await writing(ctx, by, call, async ({ scope, store }) => {
          const subject = await subjectOf(definition, store, request);
          if (subject) requireVersion(call.ifMatch, subject.version);
          const zone = (): string => organization.timeZone;
          const input = (await parseInput(schemas, request, zone)) as Input<Definition>;
          const upload = call.upload ? await claimUpload(ctx, by.caller, call.upload) : null;
          const consulted = consultedBy(definition, call) as Consulted<Definition>;
          const { ifMatch, dryRun = false } = call;
          const context = { ...ctx, ...by, store, scope, ifMatch, dryRun };
          const whole = { ...input, subject, upload, consulted } as HandlerInput;
          return await handler(context, whole);
        });
      });
    },
  });
  registerEndpoint(registered, { ...definition, kind: "mutation" });
  return registered;
}

/** What was found, as its schema has it; null where the endpoint asks for nothing. */
export function consultedBy(
  { consults }: Pick<EndpointDefinition, "consults">,
  { consulted }: WriteCall,
): unknown {
  if (!consults) return null;
  if (consulted === undefined) throw new Error(`${consults.action} was not asked.`);
  return consults.found().parse(JSON.parse(consulted));
}

async function subjectOf(
  definition: EndpointDefinition,
  tenant: TenantReader,
  request: RequestInput,
): Promise<ObjectDoc | undefined> {
  if (definition.subject === undefined) return undefined;
  const idIn = (param: string): string =>
    request.params.find(([name]) => name === param)?.[1] ?? "";
  const { subject: type, within } = definition;
  if (!within) return await tenant.require(type, idIn("id"));
  const owner = await tenant.require(within.type, idIn("id"));
  const subject = await tenant.require(type, idIn(within.param));
  if (subject.parentId !== owner._id) throw notFound(objectTypes[type].resource);
  return subject;
}
