import fc from "fast-check";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { type Fixture, newBackend, newTenant } from "../helpers/backend";
import { pathOf, routes } from "../helpers/routes";

let home: Fixture;

beforeEach(async () => {
  vi.stubEnv("RATE_LIMIT_FACTOR", "10000");
  home = await newBackend();
});

const NUL = String.fromCharCode(0);
const LONE = String.fromCharCode(0xd83d);
const long = (length: number): string => "x".repeat(length);
function nested(depth: number): unknown {
  return depth === 0 ? 1 : { a: nested(depth - 1) };
}
const keys = (count: number): object =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i]));

/** What is wrong with a contact, and the field that the answer must name. */
const CONTACTS: [string, object, string][] = [
  ["a name as a number", { firstName: 5 }, "firstName"],
  ["a name as null", { firstName: null }, "firstName"],
  ["a name as a list", { firstName: ["A"] }, "firstName"],
  ["a name of spaces", { firstName: "   " }, "firstName"],
  ["a name of 201 characters", { lastName: long(201) }, "lastName"],
  ["notes of 20,001 characters", { notes: long(20_001) }, "notes"],
  ["notes as an object", { notes: {} }, "notes"],
  ["an e-mail without @", { email: "nobody" }, "email"],
  ["an e-mail of 300 characters", { email: `${long(300)}@x.test` }, "email"],
  ["an e-mail with a line break", { email: "a@x.test\nBcc: b@x.test" }, "email"],
  ["10,000 tags", { tags: Array.from({ length: 10_000 }, (_, i) => `t${i}`) }, "tags"],
  ["10,000 wrong tags", { tags: Array.from({ length: 10_000 }, () => 1) }, "tags"],
  ["a tag of 51 characters", { tags: ["ok", long(51)] }, "tags.1"],
  ["an empty tag", { tags: [""] }, "tags.0"],
  ["tags as text", { tags: "vip" }, "tags"],
  ["an unknown subtype", { subtype: "vip" }, "subtype"],
  ["an unknown status", { status: "deleted" }, "status"],
  ["an unknown source", { source: "web" }, "source"],
  ["a source of nature", { source: "constructor" }, "source"],
  ["an unknown field", { nickname: "A" }, "nickname"],
  ["its own id", { id: "x" }, "id"],
  ["its own version", { version: 9 }, "version"],
  ["another organization's id", { organizationId: "x" }, "organizationId"],
  ["a field called constructor", { constructor: 1 }, "constructor"],
  ["NUL in a name", { firstName: `A${NUL}` }, "firstName"],
  ["NUL in notes", { notes: NUL }, "notes"],
  ["NUL in a tag", { tags: ["a", NUL] }, "tags.1"],
  ["a lone surrogate", { firstName: LONE }, "firstName"],
  ["a lone surrogate in custom fields", { customFields: { a: [LONE] } }, "customFields.a.0"],
  ["a custom field beginning with $", { customFields: { $where: 1 } }, "customFields.$where"],
  ["a custom field beginning with _", { customFields: { _id: 1 } }, "customFields._id"],
  ["an empty custom field", { customFields: { "": 1 } }, "customFields."],
  ["custom fields nested 9 deep", { customFields: { a: nested(9) } }, "customFields.a"],
  ["101 custom fields", { customFields: keys(101) }, "customFields"],
  ["33 KiB of custom fields", { customFields: { a: long(33 * 1024) } }, "customFields"],
  ["custom fields as a list", { customFields: [] }, "customFields"],
  ["custom fields as null", { customFields: null }, "customFields"],
  ["an address with an unknown field", { address: { zip: "1" } }, "address.zip"],
  ["an address as text", { address: "Berlin" }, "address"],
];

async function untouched(): Promise<void> {
  const rows = await home.backend.run(async ({ db }) => [
    ...(await db.query("objects").collect()),
    ...(await db.query("events").collect()),
    ...(await db.query("countDeltas").collect()),
  ]);
  expect(rows).toEqual([]);
}

describe("a contact", () => {
  test.each(CONTACTS)(
    "with %s is refused, naming the field, and nothing is written",
    async (_name, fields, field) => {
      const answer = await home.request("POST", "/crm/contacts", {
        body: { lastName: "Doe", ...fields },
      });
      expect([answer.status, answer.code]).toEqual([400, "VALIDATION_ERROR"]);
      expect(answer.paths).toContain(`body.${field}`);
      expect(answer.text.length).toBeLessThan(20_000);
      await untouched();
    },
  );

  test.each(CONTACTS.filter(([, fields]) => !("firstName" in fields && fields.firstName === null)))(
    "is not changed by a PATCH with %s",
    async (_name, fields, field) => {
      const { body } = await home.request("POST", "/crm/contacts", { body: { firstName: "Ada" } });
      const path = `/crm/contacts/${body.contactId}`;
      const answer = await home.request("PATCH", path, { body: { notes: "changed", ...fields } });
      expect([answer.status, answer.code]).toEqual([400, "VALIDATION_ERROR"]);
      expect(answer.paths).toContain(`body.${field}`);
      expect((await home.request("GET", path)).body).toMatchObject({
        firstName: "Ada",
        notes: null,
        version: 1,
      });
    },
  );

  // JSON.parse makes __proto__ an ordinary key; object literals do not.
  test.each([
    ["as a field", '{"lastName":"A","__proto__":{"email":"a@x.test"}}', "body.__proto__"],
    [
      "as a custom field",
      '{"lastName":"A","customFields":{"__proto__":1}}',
      "body.customFields.__proto__",
    ],
    [
      "in an address",
      '{"lastName":"A","address":{"__proto__":{"city":"B"}}}',
      "body.address.__proto__",
    ],
  ])("with __proto__ %s is refused, not robbed of it in silence", async (_name, raw, path) => {
    const answer = await home.request("POST", "/crm/contacts", { raw });
    expect([answer.status, answer.paths]).toEqual([400, [path]]);
  });

  test("__proto__ deep inside a custom field is data like any other", async () => {
    const raw = '{"lastName":"A","customFields":{"a":{"__proto__":{"b":1}}}}';
    const { body } = await home.request("POST", "/crm/contacts", { raw });
    const shown = await home.request("GET", `/crm/contacts/${body.contactId}`);
    expect(shown.text).toContain('{"a":{"__proto__":{"b":1}}}');
  });

  test("takes the longest of everything", async () => {
    const fields = {
      firstName: long(200),
      lastName: long(200),
      company: long(200),
      phone: long(50),
      jobTitle: long(200),
      sourceRef: long(200),
      notes: "ü".repeat(20_000),
      taxId: long(50),
      email: `${long(64)}@${Array.from({ length: 3 }, () => "y".repeat(60)).join(".")}.test`,
      tags: Array.from({ length: 50 }, (_, i) => `${i}`.padStart(50, "t")),
      customFields: { a: nested(8) },
    };
    const { body, status } = await home.request("POST", "/crm/contacts", { body: fields });
    expect(status).toBe(201);
    expect((await home.request("GET", `/crm/contacts/${body.contactId}`)).body).toMatchObject(
      fields,
    );
  });

  test("all problems are named at once, at most fifty", async () => {
    const { paths } = await home.request("POST", "/crm/contacts", {
      body: { email: "x", phone: 1, tags: 2, odd: 3 },
    });
    expect(paths.sort()).toEqual(["body.email", "body.odd", "body.phone", "body.tags"]);
    const many = await home.request("POST", "/crm/contacts", {
      body: { lastName: "A", ...keys(5000) },
    });
    expect(many.paths).toHaveLength(50);
  });

  test.each(["Zoë 👩‍👩‍👧 日本", "O'Brien; DROP TABLE", "<b>x</b>", "ﷺ".repeat(200), "{{7*7}}", "%s%n"])(
    "may be called %j",
    async (firstName) => {
      const { body, status } = await home.request("POST", "/crm/contacts", { body: { firstName } });
      expect(status).toBe(201);
      expect((await home.request("GET", `/crm/contacts/${body.contactId}`)).body.firstName).toBe(
        firstName,
      );
    },
  );

  test.each([
    ["Ada\u202e", "Ada"],
    ["\u200b-\u200b", "-"],
  ])("called %j, is without what nobody sees", async (firstName, shown) => {
    const { body, status } = await home.request("POST", "/crm/contacts", { body: { firstName } });
    expect(status).toBe(201);
    const found = await home.request("GET", `/crm/contacts/${body.contactId}`);
    expect(found.body.firstName).toBe(shown);
  });
});

describe("bodies that are hardly JSON", () => {
  test.each([
    [
      "deeply nested lists",
      `{"lastName":"A","customFields":{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}}`,
    ],
    [
      "deeply nested objects",
      `{"lastName":"A","customFields":${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}}`,
    ],
    ["a number beyond all", '{"lastName":"A","customFields":{"a":1e999}}'],
    ["a name that is given twice", '{"lastName":"A","lastName":5}'],
    ["an escaped lone surrogate", '{"lastName":"\\ud800"}'],
    ["an escaped NUL", '{"lastName":"\\u0000"}'],
  ])("%s: never an internal error", async (_name, raw) => {
    const { status } = await home.request("POST", "/crm/contacts", { raw });
    expect(status).toBeLessThan(500);
  });

  test("a number beyond all is refused, or kept as sent", async () => {
    const raw = '{"lastName":"A","customFields":{"a":1e999}}';
    const answer = await home.request("POST", "/crm/contacts", { raw });
    if (answer.status === 400) return;
    const { body } = await home.request("GET", `/crm/contacts/${answer.body.contactId}`);
    expect(body.customFields.a).not.toBeNull();
  });
});

describe("an integer beyond 2^53 in a body", () => {
  test("is refused by name where it would come back as another", async () => {
    const raw = '{"lastName":"A","customFields":{"list":[{"n":9007199254740993}]}}';
    const answer = await home.request("POST", "/crm/contacts", { raw });
    expect([answer.status, answer.paths]).toEqual([400, ["body.customFields.list.0.n"]]);
    const list = await home.request("GET", "/crm/contacts");
    expect(list.body.total).toBe(0);
  });

  test("is kept where it comes back as it was sent, also by an export", async () => {
    const customFields = { big: 123456789012345680000, power: 1e21, edge: -(2 ** 53) };
    const sent = await home.request("POST", "/crm/contacts", {
      body: { lastName: "A", customFields },
    });
    const { body } = await home.request("GET", `/crm/contacts/${sent.body.contactId}`);
    expect(body.customFields).toEqual(customFields);
    const file = await home.request("GET", "/crm/contacts/export?format=csv");
    expect(file.text).toContain("123456789012345680000");
  });

  test("is refused as an amount", async () => {
    const item = { description: "Work", quantity: 1, unitPriceInCents: 2 ** 60, taxRatePercent: 0 };
    const body = { type: "b2c_single", lineItems: [item], billTo: { name: "Ada" } };
    const answer = await home.request("POST", "/invoices", { body });
    expect(answer.status).toBe(400);
    expect([...new Set(answer.paths)]).toEqual(["body.lineItems.0.unitPriceInCents"]);
  });
});

test("ids of another tenant in a body are refused like missing ones, and nothing is written", async () => {
  const other = await newTenant(home.backend);
  const theirs = (await other.request("POST", "/crm/organizations", { body: { name: "T" } })).body
    .data.id;
  const { body } = await home.request("POST", "/crm/contacts", { body: { lastName: "A" } });
  const patch = { notes: "x", crmOrganizationId: theirs };
  const answer = await home.request("PATCH", `/crm/contacts/${body.contactId}`, { body: patch });
  const missing = await home.request("PATCH", `/crm/contacts/${body.contactId}`, {
    body: { ...patch, crmOrganizationId: "x" },
  });
  expect([answer.status, answer.body.error]).toEqual([404, missing.body.error]);
  expect((await home.request("GET", `/crm/contacts/${body.contactId}`)).body).toMatchObject({
    notes: null,
    version: 1,
  });
});

test("a key's expiry may be as far away as a number goes, or is refused", async () => {
  for (const expiresAt of [4e12, 8.64e15, Number.MAX_SAFE_INTEGER]) {
    const body = { name: "k", scopes: ["crm:read"], expiresAt };
    const { status } = await home.request("POST", "/api-keys", { body });
    expect([expiresAt, status < 500]).toEqual([expiresAt, true]);
  }
});

describe("whatever is sent, there is never an internal error", () => {
  /** Bodies around the true ones: their field names, with any JSON for values. */
  const names = [
    "firstName",
    "lastName",
    "email",
    "phone",
    "tags",
    "notes",
    "customFields",
    "address",
    "organizationInfo",
    "name",
    "website",
    "subtype",
    "status",
    "source",
    "crmOrganizationId",
    "eventId",
    "eventName",
    "eventDate",
    "attendeeInfo",
    "allowedOrigins",
    "timeZone",
    "currency",
    "locale",
    "sender",
    "bankDetails",
    "taxIds",
    "scopes",
    "mode",
    "expiresAt",
    "overlapSeconds",
    "__proto__",
    "constructor",
  ];
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: "grapheme", maxLength: 300 }),
    fc.constantFrom(
      "lead",
      "active",
      "api",
      "a@x.test",
      "https://x.test",
      "EUR",
      "UTC",
      "de",
      "*",
      NUL,
      LONE,
      "",
    ),
  );
  const value: fc.Arbitrary<unknown> = fc.oneof(
    text,
    fc.double(),
    fc.constantFrom(null, true, false, -0, 1e308, 5e-324, 2 ** 53, [], {}),
    fc.jsonValue({ maxDepth: 3 }),
    fc.array(text, { maxLength: 60 }),
    fc.dictionary(fc.oneof(text, fc.constantFrom(...names)), fc.jsonValue({ maxDepth: 2 }), {
      maxKeys: 8,
    }),
  );
  const body = fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 6 });
  const writing = routes.filter((route) => route.body);

  test.each(writing.map((route) => [route.title, route] as const))("%s", async (_title, route) => {
    const path = await pathOf(route, home.request);
    await fc.assert(
      fc.asyncProperty(body, async (sent) => {
        const merged = { ...route.example.body, ...sent };
        const answer = await home.request(route.method, path, { body: merged });
        expect([answer.status < 500, answer.text]).toEqual([true, answer.text]);
        if (answer.status === 400)
          expect(["VALIDATION_ERROR", "INVALID_JSON"]).toContain(answer.code);
      }),
      { numRuns: 60 },
    );
  });

  const parameters = [
    "limit",
    "page_size",
    "cursor",
    "offset",
    "page",
    "sort",
    "search",
    "subtype",
    "status",
    "source",
    "crmOrganizationId",
    "email",
  ];
  const query = fc.array(
    fc.tuple(
      fc.constantFrom(...parameters, "__proto__", "odd"),
      fc.oneof(
        text,
        fc.integer().map(String),
        fc.constantFrom("-createdAt", "name", "WyJhIiwiYiJd", "1e3", "0x10", " 5 "),
      ),
    ),
    { maxLength: 4 },
  );
  const listing = routes.filter(({ kind }) => kind === "query");

  test.each(listing.map((route) => [route.title, route] as const))("%s", async (_title, route) => {
    const path = await pathOf(route, home.request);
    await fc.assert(
      fc.asyncProperty(query, async (pairs) => {
        const search = new URLSearchParams(pairs).toString();
        const answer = await home.request("GET", `${path}?${search}`);
        expect([search, answer.status < 500]).toEqual([search, true]);
      }),
      { numRuns: 60 },
    );
  });

  test("any path", async () => {
    const segment = fc.oneof(
      fc.constantFrom(
        "crm",
        "contacts",
        "organizations",
        "api-keys",
        "rotate",
        "..",
        ".",
        "%2e%2e",
        "%00",
        "%",
      ),
      fc.webSegment(),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(segment, { maxLength: 5 }),
        fc.constantFrom("GET", "POST", "PUT", "PATCH", "DELETE"),
        async (segments, method) => {
          const answer = await home.request(method, `/${segments.join("/")}`);
          expect([segments, answer.status < 500]).toEqual([segments, true]);
        },
      ),
      { numRuns: 100 },
    );
  });
});
