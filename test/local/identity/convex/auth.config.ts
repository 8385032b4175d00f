import type { AuthConfig } from "convex/server";

/** All of them stand at one address, which the test has chosen. */
const origin = process.env["PROVIDER_URL"] ?? "";

export default {
  providers: [
    { domain: `${origin}/oidc`, applicationID: "app" },
    {
      type: "customJwt",
      issuer: `${origin}/custom`,
      jwks: `${origin}/custom/keys`,
      algorithm: "ES256",
      applicationID: "app",
    },
    {
      type: "customJwt",
      issuer: "https://inline.example",
      jwks: process.env["INLINE_KEYS"] ?? "",
      algorithm: "ES256",
    },
    {
      type: "customJwt",
      issuer: process.env["CONVEX_CLOUD_URL"] ?? "",
      jwks: `${process.env["CONVEX_CLOUD_URL"] ?? ""}/.well-known/jwks.json`,
      algorithm: "ES256",
    },
  ],
} satisfies AuthConfig;
