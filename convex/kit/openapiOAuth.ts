import type { ErrorCode } from "./errors";

/** The two addresses by which a browser goes to a provider and comes back: http/oauth.ts serves them. */
export function oauthOperations(
  errorAnswers: (codes: readonly ErrorCode[]) => object,
): Record<string, object> {
  const provider = {
    ...{ name: "provider", in: "path", required: true },
    schema: { type: "string", enum: ["microsoft", "google"] },
  };
  const sentOn = { 302: { description: "The browser is sent on." } };
  const always = [
    ...(["VALIDATION_ERROR", "UNAUTHORIZED", "FORBIDDEN", "ROUTE_NOT_FOUND"] as const),
    ...(["RATE_LIMITED", "INTERNAL_ERROR", "SERVICE_UNAVAILABLE"] as const),
  ];
  const connecting = [
    ...(["CSRF_REJECTED", "EMAIL_NOT_VERIFIED", "REAUTHENTICATION_REQUIRED"] as const),
  ];
  return {
    "/auth/oauth/{provider}/start": {
      operationId: "oauth_start",
      tags: ["Accounts"],
      summary: "Go to Microsoft or Google to sign in, or to connect an account",
      description:
        "For a browser: it is sent to the provider, and back to `redirect` in the end, which must be below `APP_URL` or of an origin in `CORS_ORIGINS`. `connect` is for a person who has signed in lately. Ten a minute of one address, together with what comes back.",
      security: [{}, { bearer: [] }],
      parameters: [
        provider,
        {
          ...{ name: "purpose", in: "query", required: false },
          schema: { type: "string", enum: ["sign_in", "connect"], default: "sign_in" },
        },
        {
          ...{ name: "redirect", in: "query", required: false },
          description: "`APP_URL` by default.",
          schema: { type: "string" },
        },
      ],
      responses: { ...sentOn, ...errorAnswers([...always, ...connecting]) },
    },
    "/auth/oauth/{provider}/callback": {
      operationId: "oauth_callback",
      tags: ["Accounts"],
      summary: "Come back from Microsoft or Google",
      description:
        "The redirect URI to register at the provider. The browser is sent to `redirect`: signed in by the session cookie, with `#mfaToken=…&mfaRequired=true` where a second factor is asked for, or with `?error=CODE`.",
      security: [],
      parameters: [
        provider,
        ...["code", "state", "iss", "error"].map((name) => ({
          ...{ name, in: "query", required: false, schema: { type: "string" } },
        })),
      ],
      responses: { ...sentOn, ...errorAnswers(always) },
    },
  };
}
