import { describe, expect, test } from "vitest";
import { google } from "../../convex/oauth/google";
import { microsoft } from "../../convex/oauth/microsoft";

const HOST = "https://login.microsoftonline.com";
const TENANT = "11111111-2222-3333-4444-555555555555";
const OTHER = "99999999-2222-3333-4444-555555555555";
const CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad";
const v2 = (tenant: string): string => `${HOST}/${tenant}/v2.0`;

describe("Microsoft's issuers", () => {
  test.each([
    ["common", "{tenantid}", true],
    ["organizations", "{tenantid}", true],
    ["consumers", CONSUMERS, true],
    [TENANT, TENANT, true],
    ["contoso.example", TENANT, true],
    ["common", TENANT, false],
    [TENANT, "{tenantid}", false],
    ["contoso.example", "{tenantid}", false],
  ])("of %s may be named %s by a discovery document: %s", (configured, said, isGood) => {
    expect(microsoft.mayName(v2(said), v2(configured))).toBe(isGood);
  });

  test("are of the host that is configured", () => {
    expect(microsoft.mayName(`https://evil.test/${TENANT}/v2.0`, v2("contoso.example"))).toBe(
      false,
    );
    expect(google.mayName("https://evil.test", "https://accounts.google.com")).toBe(false);
  });

  test("of many tenants are each account's own, whatever its tenant calls itself", () => {
    expect(microsoft.issuerOf(v2("{tenantid}"), { tid: TENANT })).toBe(v2(TENANT));
    expect(microsoft.issuerOf(v2("{tenantid}"), { tid: "x/../evil" })).toBe(v2("{tenantid}"));
    expect(microsoft.issuerOf(v2(TENANT), { tid: OTHER })).toBe(v2(TENANT));
  });
});

describe("an address of Microsoft's", () => {
  const standing = (claims: object, tenant: string): string | undefined =>
    microsoft.emailOf({ email: "ada@acme.test", ...claims }, v2(tenant))?.standing;

  test.each([
    [{ tid: OTHER }, "common", "unproved"],
    [{ tid: OTHER, xms_edov: false }, "common", "unproved"],
    [{ tid: OTHER, xms_edov: "0" }, "common", "unproved"],
    [{ tid: OTHER, xms_edov: true }, "common", "proved"],
    [{ tid: OTHER, xms_edov: "1" }, "common", "proved"],
    [{ tid: TENANT }, TENANT, "proved"],
    [{ tid: OTHER }, TENANT, "unproved"],
    [{ tid: CONSUMERS }, CONSUMERS, "unproved"],
    [{ tid: "common" }, "common", "unproved"],
    [{}, TENANT, "unproved"],
  ])("with %j, where %s signs in, is %s", (claims, tenant, expected) => {
    expect(standing(claims, tenant)).toBe(expected);
  });
});
