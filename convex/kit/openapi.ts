import * as z from "zod";
import { type CallerKind, DEFAULT_CALLERS } from "./caller";
import type { Endpoint } from "./endpoint";
import { ERROR_CODES, type ErrorCode } from "./errors";
import { eventTypes } from "../ontology/eventTypes";
import { API_PREFIX } from "./http/context";
import type { MountedEndpoint } from "./mount";
import type { MountedWebhook } from "./incomingWebhook";
import { oauthOperations } from "./openapiOAuth";
import { listMeta } from "./pageParameters";

type Json = { [key: string]: unknown };

const VERSION = "1.0.0";
const EVERYWHERE: readonly ErrorCode[] = [
  "VALIDATION_ERROR",
  "UNAUTHORIZED",
  "FORBIDDEN",
  "INSUFFICIENT_SCOPE",
  "RATE_LIMITED",
  "INTERNAL_ERROR",
  // A write among too many others, or Clerk's keys that cannot be had.
  "SERVICE_UNAVAILABLE",
];
/** A cursor that was given out before the list was served in another way. */
const ON_LISTS: readonly ErrorCode[] = ["GONE"];
const ON_WRITES: readonly ErrorCode[] = ["IDEMPOTENCY_KEY_REUSED", "GONE"];
const WITH_BODY: readonly ErrorCode[] = [
  "INVALID_JSON",
  "PAYLOAD_TOO_LARGE",
  "UNSUPPORTED_MEDIA_TYPE",
];

/**
 * The OpenAPI 3.1 document of the mounted endpoints. Its schemas are JSON Schema 2020-12, which zod
 * prints itself; a schema with an id (`.meta({ id })`) becomes a component.
 */
export function openApiDocument(
  endpoints: readonly MountedEndpoint[],
  webhooks: readonly MountedWebhook[],
): Json {
  const components: Json = {};
  const paths: Record<string, Json> = {};
  for (const endpoint of endpoints) {
    const path = endpoint.path.replace(/:(\w+)/g, "{$1}");
    const operations = (paths[path] ??= {});
    operations[endpoint.method.toLowerCase()] = operationOf(endpoint, components);
  }
  for (const webhook of webhooks) {
    paths[webhook.path.replace(/:(\w+)/g, "{$1}")] = { post: incomingOperation(webhook) };
  }
  for (const [path, operation] of Object.entries(oauthOperations(errorAnswers))) {
    paths[path] = { get: operation };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Freehold",
      version: VERSION,
      description:
        "The backend of a freelancer's or small agency's business. Money is in the currency's smallest unit, times are milliseconds since the epoch, ids are opaque strings. Where an example says `{contactId}` or the like, an id of yours stands.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: API_PREFIX, description: "This deployment" }],
    security: [{ bearer: [] }, { cookie: [] }],
    tags: [...new Set([...endpoints, ...webhooks].map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    webhooks: deliveries(),
    components: {
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          description:
            "An API key (`fh_live_…`), a staff session token (`fh_session_…`), an access token, a Clerk session token or a portal user's session token (`fh_portal_…`).",
        },
        cookie: {
          type: "apiKey",
          in: "cookie",
          name: "__Host-fh_session",
          description:
            "A staff session in a browser; on plain http its name is `fh_session`. It counts where no Authorization is sent; what changes something must come from an allowed origin.",
        },
      },
      schemas: { ...components, Error: ERROR_SCHEMA },
    },
  };
}

const ERROR_SCHEMA: Json = {
  type: "object",
  required: ["success", "data", "error", "meta"],
  properties: {
    success: { const: false },
    data: { type: "null" },
    error: {
      type: "object",
      required: ["code", "message", "details", "docs"],
      properties: {
        code: { type: "string" },
        message: { type: "string" },
        details: {},
        docs: {
          type: "string",
          format: "uri",
          description: "What the code means, and what to do about it.",
        },
      },
    },
    meta: { type: "object", properties: { traceId: { type: "string" } } },
  },
};

/** What an organization's own receivers are sent, by type of event (docs/webhooks.md). */
function deliveries(): Json {
  return Object.fromEntries(
    eventTypes.map(({ type, objectType, description }) => [
      type,
      {
        post: {
          operationId: `delivery_${type.replaceAll(".", "_")}`,
          summary: description,
          description:
            "Signed as Standard Webhooks has it: verify `webhook-signature` over the body as it came.",
          parameters: ["webhook-id", "webhook-timestamp", "webhook-signature"].map((name) => ({
            ...{ name, in: "header", required: true, schema: { type: "string" } },
          })),
          requestBody: {
            required: true,
            content: { "application/json": { schema: deliveryOf(type, objectType) } },
          },
          responses: { "2XX": { description: "Taken. Anything else is tried again." } },
        },
      },
    ]),
  );
}

function deliveryOf(type: string, objectType: string): Json {
  return {
    type: "object",
    required: ["id", "type", "createdAt", "organizationId", "data", "traceId"],
    properties: {
      id: { type: "string", description: "The same in every attempt." },
      type: { const: type },
      createdAt: { type: "number", description: "Milliseconds since the epoch." },
      organizationId: { type: "string" },
      mode: { const: "test", description: "Of a test organization; absent of a live one." },
      data: {
        type: "object",
        description: `The ${objectType.replaceAll("_", " ")} as REST shows it.`,
      },
      previous: { type: "object", description: "What the changed fields were before." },
      traceId: { type: "string" },
    },
  };
}

function operationOf(endpoint: MountedEndpoint, components: Json): Json {
  return {
    operationId: endpoint.functionName.replace(/^api\/v1\//, "").replace(/\W+/g, "_"),
    tags: [endpoint.tag],
    summary: endpoint.summary,
    description: [endpoint.description, `${scopeOf(endpoint)}${callersOf(endpoint)}`]
      .filter(Boolean)
      .join("\n\n"),
    ...(endpoint.isPublic ? { security: [] } : {}),
    parameters: parametersOf(endpoint),
    ...requestBodyOf(endpoint, components),
    responses: { ...answersOf(endpoint, components), ...errorsOf(endpoint) },
  };
}

/** What a provider calls: signed, so that it needs no credential. */
function incomingOperation(webhook: MountedWebhook): Json {
  const received = {
    type: "object",
    required: ["received"],
    properties: { received: { const: true } },
  };
  const answer = envelopeOf({ list: undefined }, received);
  return {
    operationId: webhook.functionName.replace(/^api\/v1\//, "").replace(/\W+/g, "_"),
    tags: [webhook.tag],
    summary: webhook.summary,
    description: [webhook.description, `For the provider, signed with ${secretOf(webhook)}.`]
      .filter(Boolean)
      .join("\n\n"),
    security: [],
    parameters: pathParametersOf(webhook),
    requestBody: {
      required: true,
      content: { "application/json": { schema: {}, example: webhook.example } },
    },
    responses: {
      200: {
        description: "Taken, also when it was taken before.",
        content: { "application/json": { schema: answer } },
      },
      ...errorAnswers([
        ...(webhook.refusesUnreadable ? (["VALIDATION_ERROR"] as const) : []),
        "INVALID_SIGNATURE",
        "PAYLOAD_TOO_LARGE",
        "RATE_LIMITED",
        "INTERNAL_ERROR",
        "SERVICE_UNAVAILABLE",
      ]),
    },
  };
}

function secretOf({ secret }: MountedWebhook): string {
  return "variable" in secret ? `\`${secret.variable}\`` : "the organization's own secret";
}

const CALLER_NAMES: Record<CallerKind, string> = {
  api_key: "API keys",
  user: "staff",
  portal_user: "portal users",
  unkeyed_portal: "without a credential under `PORTAL_TRUST_IDS`",
};

function scopeOf({ scope, orScopes = [] }: Endpoint): string {
  if (scope === null) return "";
  const scopes = [scope, ...orScopes].map((one) => `\`${one}\``);
  return `Scope: ${scopes.join(" or ")}. `;
}

function callersOf({ callers = DEFAULT_CALLERS, isPublic }: Endpoint): string {
  if (isPublic) return "For everybody: no credential is read.";
  return `For: ${callers.map((kind) => CALLER_NAMES[kind]).join(", ")}.`;
}

function parametersOf(endpoint: Endpoint): Json[] {
  const inPath = pathParametersOf(endpoint);
  const query = endpoint.query ? schemaOf(endpoint.query(), "input", {}) : {};
  const required = (query.required ?? []) as string[];
  const inQuery = Object.entries((query.properties ?? {}) as Record<string, Json>).map(
    ([name, schema]) => {
      const { description, ...rest } = schema;
      return { name, in: "query", required: required.includes(name), description, schema: rest };
    },
  );
  const dryRun = endpoint.kind === "mutation" ? [DRY_RUN] : [];
  return [...inPath, ...inQuery, ...dryRun, ...headersOf(endpoint)];
}

function pathParametersOf({ path }: { path: string }): Json[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
}

const DRY_RUN: Json = {
  name: "dryRun",
  in: "query",
  required: false,
  description:
    "`true`: the answer is what would happen, and nothing is written; it carries `Dry-Run: true`, and `meta.dryRun` where it has a `meta`.",
  schema: { type: "boolean", default: false },
};

function headersOf(endpoint: Endpoint): Json[] {
  const header = (name: string, description: string): Json => ({
    name,
    in: "header",
    required: false,
    description,
    schema: { type: "string" },
  });
  const { callers = DEFAULT_CALLERS } = endpoint;
  const ofTenant = callers.includes("user") && !endpoint.isPersonal && !endpoint.tenantInPath;
  const takesKey = ["POST", "PATCH", "PUT"].includes(endpoint.method);
  return [
    ...(ofTenant
      ? [
          header(
            "X-Tenant-Id",
            "The organization, for members of staff who belong to more than one.",
          ),
        ]
      : []),
    ...(callers.includes("portal_user")
      ? [
          header(
            "X-API-Key",
            "A key of the organization, where the bearer is the bare id of a portal user.",
          ),
        ]
      : []),
    ...(takesKey
      ? [header("Idempotency-Key", "A repeated key gets the first answer, for 24 hours.")]
      : []),
    ...(endpoint.kind === "mutation" && endpoint.subject
      ? [header("If-Match", "The version (`ETag`) that the change is meant for.")]
      : []),
  ];
}

function requestBodyOf({ body, documentedBody, raw, example }: Endpoint, components: Json): Json {
  if (raw) return { requestBody: { required: true, content: rawContent(raw) } };
  if (!body) return {};
  const schema = schemaOf((documentedBody ?? body)(), "input", components);
  const required = !body().safeParse(undefined).success;
  return { requestBody: { required, content: { "application/json": { schema, example } } } };
}

function rawContent(examples: NonNullable<Endpoint["raw"]>): Json {
  const content = Object.entries(examples).map(([type, example]): [string, Json] =>
    example === null
      ? [type, { schema: { type: "string", format: "binary" } }]
      : [type, { schema: { type: "string" }, example }],
  );
  return Object.fromEntries(content);
}

function textContent(mediaTypes: readonly string[]): Json {
  return Object.fromEntries(mediaTypes.map((type) => [type, { schema: { type: "string" } }]));
}

function answersOf(endpoint: Endpoint, components: Json): Json {
  const answers = Object.entries(endpoint.answers).map(([status, schema]): [string, Json] => {
    if (!schema) return [status, { description: "Done." }];
    if (endpoint.files) return [status, fileOf(endpoint.files)];
    if (endpoint.streams) return [status, streamOf(endpoint, endpoint.streams, components)];
    const data = schemaOf(schema(), "output", components);
    const answer = endpoint.literal ? data : envelopeOf(endpoint, data);
    const description = status === "201" ? "Created." : "Success.";
    const others = textContent(Object.keys(endpoint.alternatives ?? {}));
    const content = { "application/json": { schema: answer }, ...others };
    return [status, { description, content }];
  });
  return Object.fromEntries(answers);
}

function fileOf(mediaTypes: readonly string[]): Json {
  const content = mediaTypes.map((type) => [
    type,
    { schema: { type: "string", format: "binary" } },
  ]);
  return { description: "The file.", content: Object.fromEntries(content) as Json };
}

function streamOf(
  endpoint: Endpoint,
  streams: Record<string, (() => z.ZodType) | null>,
  components: Json,
): Json {
  const content = Object.entries(streams).map(([mediaType, schema]) => {
    if (!schema) return [mediaType, { schema: { type: "string" } }];
    return [mediaType, { schema: envelopeOf(endpoint, schemaOf(schema(), "output", components)) }];
  });
  return { description: "The file.", content: Object.fromEntries(content) as Json };
}

function envelopeOf(endpoint: Pick<Endpoint, "list">, data: Json): Json {
  const meta = endpoint.list
    ? schemaOf(listMeta(), "output", {})
    : { type: "object", properties: {} };
  return {
    type: "object",
    required: ["success", "data", "error", "meta"],
    properties: {
      success: { const: true },
      data,
      error: { type: "null" },
      meta: { ...meta, properties: { traceId: { type: "string" }, ...(meta.properties as Json) } },
    },
  };
}

function errorsOf(endpoint: Endpoint): Json {
  const codes: ErrorCode[] = [
    ...EVERYWHERE,
    ...(endpoint.subject ? (["NOT_FOUND"] as const) : []),
    ...(endpoint.kind === "mutation" ? ON_WRITES : []),
    ...(endpoint.kind === "mutation" && endpoint.subject ? (["VERSION_MISMATCH"] as const) : []),
    ...(endpoint.body || endpoint.raw ? WITH_BODY : []),
    ...(endpoint.query && "cursor" in endpoint.query().shape ? ON_LISTS : []),
    ...(endpoint.errors ?? []),
  ];
  return errorAnswers(codes);
}

function errorAnswers(codes: readonly ErrorCode[]): Json {
  const byStatus: Record<string, Json & { description: string }> = {};
  for (const code of codes) {
    const [status, meaning] = ERROR_CODES[code];
    const before = byStatus[status]?.description;
    const description = `${before ? `${before}\n\n` : ""}\`${code}\`: ${meaning}`;
    const schema = { $ref: "#/components/schemas/Error" };
    byStatus[status] = { description, content: { "application/json": { schema } } };
  }
  return byStatus;
}

/** The JSON Schema of one side of a zod schema; schemas with an id go to the components. */
function schemaOf(schema: z.ZodType, io: "input" | "output", components: Json): Json {
  // Wrapped, so that a schema with an id of its own becomes a reference as well.
  const { $defs, properties } = z.toJSONSchema(z.object({ value: schema.optional() }), {
    io,
    unrepresentable: "any",
  }) as unknown as { $defs?: Json; properties: { value: Json } };
  for (const [id, definition] of Object.entries($defs ?? {})) {
    components[id] = withComponentReferences(definition as Json);
  }
  return withComponentReferences(properties.value);
}

function withComponentReferences(schema: Json): Json {
  const text = JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/');
  return JSON.parse(text) as Json;
}
