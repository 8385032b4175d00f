import { beforeEach, describe, expect, test } from "vitest";
import { type Fixture, newBackend, newTenant } from "../helpers/backend";

let home: Fixture;

beforeEach(async () => {
  home = await newBackend();
});

const FULL = {
  name: "Studio",
  timeZone: "Europe/Berlin",
  currency: "JPY",
  locale: "de-DE",
  sender: { name: "Studio", email: "hello@studio.example", replyTo: "reply@studio.example" },
  address: { street: "Rosenstr. 1", city: "Berlin", postalCode: "10115", country: "DE" },
  bankDetails: {
    accountHolder: "Studio",
    iban: "DE89370400440532013000",
    bic: "COBADEFFXXX",
    bankName: "C",
  },
  taxIds: { vatId: "DE123456789", taxNumber: "1/2", registrationNumber: "HRB 1" },
  allowedOrigins: ["https://portal.example.com", "http://localhost:3000"],
};

test("what only concerns the deployment is not among its settings", async () => {
  const before = (await home.request("GET", "/organization")).body.data;
  const webhook = { url: "https://hooks.example.com/", events: ["invoice.paid"] };
  await home.request("POST", "/webhooks", { body: webhook });
  const row = await home.backend.run(({ db }) => db.get("organizations", home.organizationId));
  expect(row?.followedEvents).toEqual(["invoice.paid"]);
  expect((await home.request("GET", "/organization")).body.data).toEqual(before);
});

test("a new organization has its defaults", async () => {
  const { body } = await home.request("GET", "/organization");
  expect(body.data).toEqual({
    id: home.organizationId,
    name: "Test Studio",
    mode: "live",
    timeZone: "UTC",
    currency: "EUR",
    locale: "en",
    allowedOrigins: [],
    tier: "premium",
    version: 1,
    createdAt: expect.any(Number) as number,
    updatedAt: expect.any(Number) as number,
  });
});

test("every setting is kept as given, and raises the version once", async () => {
  const { body } = await home.request("PATCH", "/organization", { body: FULL });
  expect(body.data).toMatchObject({ ...FULL, version: 2 });
  expect((await home.request("GET", "/organization")).body.data).toEqual(body.data);
});

test("a change of nothing keeps the version", async () => {
  await home.request("PATCH", "/organization", { body: FULL });
  const { body } = await home.request("PATCH", "/organization", { body: FULL });
  expect(body.data.version).toBe(2);
});

test.each(["sender", "address", "bankDetails", "taxIds"])("null clears %s", async (field) => {
  await home.request("PATCH", "/organization", { body: FULL });
  const { body } = await home.request("PATCH", "/organization", { body: { [field]: null } });
  expect(body.data).not.toHaveProperty(field);
});

test.each<[string, unknown, unknown]>([
  [
    "an IBAN with spaces and small letters",
    { iban: "de89 3704 0044 0532 0130 00" },
    { iban: "DE89370400440532013000" },
  ],
  ["a BIC of 8 characters", { bic: "cobadeff" }, { bic: "COBADEFF" }],
  [
    "a Maltese IBAN",
    { iban: "MT84MALT011000012345MTLCAST001S" },
    { iban: "MT84MALT011000012345MTLCAST001S" },
  ],
])("%s is taken", async (_name, bankDetails, kept) => {
  const { body } = await home.request("PATCH", "/organization", { body: { bankDetails } });
  expect(body.data).toMatchObject({ bankDetails: kept });
});

describe("is refused, with its path, and nothing changes", () => {
  test.each<[unknown, string]>([
    [{ name: "" }, "body.name"],
    [{ name: null }, "body.name"],
    [{ name: "x".repeat(201) }, "body.name"],
    [{ timeZone: "Berlin" }, "body.timeZone"],
    [{ timeZone: "Europe/Nowhere" }, "body.timeZone"],
    [{ timeZone: null }, "body.timeZone"],
    [{ currency: "XXX" }, "body.currency"],
    [{ currency: "XAU" }, "body.currency"],
    [{ currency: "eur" }, "body.currency"],
    [{ currency: "DEM" }, "body.currency"],
    [{ currency: 978 }, "body.currency"],
    [{ locale: `de-${"x".repeat(8)}-${"y".repeat(9)}` }, "body.locale"],
    [{ locale: "de_DE" }, "body.locale"],
    [{ locale: "" }, "body.locale"],
    [{ sender: { name: "S" } }, "body.sender.email"],
    [{ sender: { name: "S", email: "no" } }, "body.sender.email"],
    [{ sender: { name: "S", email: "a@x.test", replyTo: "no" } }, "body.sender.replyTo"],
    [{ sender: { name: "S", email: "a@x.test", bcc: "b@x.test" } }, "body.sender.bcc"],
    [{ address: { zip: "1" } }, "body.address.zip"],
    [{ address: "Berlin" }, "body.address"],
    [{ bankDetails: { iban: "DE89370400440532013001" } }, "body.bankDetails.iban"],
    [{ bankDetails: { iban: "DE" } }, "body.bankDetails.iban"],
    [{ bankDetails: { iban: "ZZ89370400440532013000" } }, "body.bankDetails.iban"],
    [{ bankDetails: { bic: "COBADE" } }, "body.bankDetails.bic"],
    [{ bankDetails: { bic: "COBADEFFXXXX" } }, "body.bankDetails.bic"],
    [{ taxIds: { vatId: "x".repeat(41) } }, "body.taxIds.vatId"],
    [{ allowedOrigins: ["https://x.example/"] }, "body.allowedOrigins.0"],
    [{ allowedOrigins: ["https://x.example/path"] }, "body.allowedOrigins.0"],
    [{ allowedOrigins: ["https://ok.example", "x.example"] }, "body.allowedOrigins.1"],
    [{ allowedOrigins: ["*"] }, "body.allowedOrigins.0"],
    [{ allowedOrigins: ["null"] }, "body.allowedOrigins.0"],
    [{ allowedOrigins: ["https://*.example"] }, "body.allowedOrigins.0"],
    [{ allowedOrigins: ["HTTPS://X.example"] }, "body.allowedOrigins.0"],
    [{ allowedOrigins: ["https://u:p@x.example"] }, "body.allowedOrigins.0"],
    [{ allowedOrigins: ["ftp://x.example"] }, "body.allowedOrigins.0"],
    [
      { allowedOrigins: Array.from({ length: 21 }, (_, i) => `https://x${i}.example`) },
      "body.allowedOrigins",
    ],
    [{ allowedOrigins: null }, "body.allowedOrigins"],
    [{ tier: "free" }, "body.tier"],
    [{ version: 7 }, "body.version"],
    [{ id: "x" }, "body.id"],
  ])("%j", async (body, path) => {
    const answer = await home.request("PATCH", "/organization", { body });
    expect([answer.status, answer.paths]).toEqual([400, [path]]);
    expect((await home.request("GET", "/organization")).body.data.version).toBe(1);
  });
});

test("several problems are all named", async () => {
  const answer = await home.request("PATCH", "/organization", {
    body: { currency: "XXX", locale: "", surprise: 1 },
  });
  expect(answer.paths.sort()).toEqual(["body.currency", "body.locale", "body.surprise"]);
});

test("settings are the tenant's own", async () => {
  const other = await newTenant(home.backend);
  await home.request("PATCH", "/organization", { body: FULL });
  expect((await other.request("GET", "/organization")).body.data).toMatchObject({
    currency: "EUR",
    version: 1,
  });
});
