import { beforeAll, describe, expect, test, vi } from "vitest";
import { sealCursor } from "../../convex/kit/page";
import type { Answer, Body } from "../helpers/answer";
import { type Fixture, newBackend, newTenant } from "../helpers/backend";

const SUBTYPES = ["lead", "prospect", "customer"];
const STATUSES = ["active", "inactive"];
const SOURCES = ["api", "event", "checkout"];
const SORTS = ["-createdAt", "createdAt", "-updatedAt", "updatedAt", "-name", "name"];

let home: Fixture;
let crmOrganizationId: string;
/** All contacts in the order of their creation. */
let all: Body[];

/** One contact of each kind and some more of one kind; every third belongs to an organization. */
beforeAll(async () => {
  vi.stubEnv("RATE_LIMIT_FACTOR", "1000");
  home = await newBackend();
  const other = await newTenant(home.backend);
  const acme = await home.request("POST", "/crm/organizations", { body: { name: "Acme" } });
  crmOrganizationId = acme.body.data.id;
  const kinds = SUBTYPES.flatMap((subtype) =>
    STATUSES.flatMap((status) => SOURCES.map((source) => ({ subtype, status, source }))),
  );
  const ids: string[] = [];
  for (const [index, kind] of [...kinds, ...kinds.slice(0, 7)].entries()) {
    const body = {
      ...kind,
      firstName: "Ada",
      lastName: `${"QWERTY"[index % 6] ?? ""}${index}`,
      email: `a${index}@x.test`,
    };
    const { contactId } = (await home.request("POST", "/crm/contacts", { body })).body;
    ids.push(contactId);
    await other.request("POST", "/crm/contacts", { body });
    const change = { ...(index % 3 === 0 ? { crmOrganizationId } : {}), notes: "changed" };
    if (index % 2 === 0)
      await home.request("PATCH", `/crm/contacts/${ids[index / 2] ?? ""}`, { body: change });
  }
  const gone = await home.request("POST", "/crm/contacts", {
    body: { firstName: "Ada", lastName: "Gone" },
  });
  await home.request("DELETE", `/crm/contacts/${gone.body.contactId}`);
  all = (await list("sort=createdAt&limit=200")).contacts as Body[];
  expect(all.map(({ id }) => id)).toEqual(ids);
});

async function list(query: string): Promise<Body> {
  const answer = await ask(query);
  expect(answer.status, answer.text).toBe(200);
  return answer.body;
}
async function ask(query: string): Promise<Answer> {
  return await home.request("GET", `/crm/contacts?${query}`);
}
function queryOf(parameters: Record<string, string | number>): string {
  return new URLSearchParams(Object.entries(parameters).map(([k, v]) => [k, String(v)])).toString();
}

/** What a scan over all contacts would answer. */
function scan(filters: Record<string, string>, sort: string): string[] {
  const field = sort.replace("-", "") as "createdAt" | "updatedAt" | "name";
  const keyOf = (contact: Body): string | number =>
    field === "name" ? contact.name.toLowerCase() : contact[field];
  const matching = all.filter((contact) =>
    Object.entries(filters).every(
      ([name, value]) => (contact as unknown as Record<string, unknown>)[name] === value,
    ),
  );
  const ascending = matching
    .map((contact, index) => ({ contact, index }))
    .sort((a, b) =>
      keyOf(a.contact) < keyOf(b.contact)
        ? -1
        : keyOf(a.contact) > keyOf(b.contact)
          ? 1
          : a.index - b.index,
    )
    .map(({ contact }) => contact.id);
  return sort.startsWith("-") ? ascending.reverse() : ascending;
}

function subsets<Item>(items: Item[]): Item[][] {
  return items.reduce<Item[][]>(
    (sets, item) => [...sets, ...sets.map((set) => [...set, item])],
    [[]],
  );
}

const FILTERS = ["subtype", "status", "source", "crmOrganizationId", "email"];
const COMBINATIONS = subsets(FILTERS).flatMap((filters) =>
  SORTS.map((sort) => ({ filters, sort })),
);

describe("filters and sorts", () => {
  test.each(
    COMBINATIONS.map(
      ({ filters, sort }) => [filters.join("+") || "nothing", sort, filters] as const,
    ),
  )(
    "by %s, sorted by %s: exactly what a scan would find, with its total",
    async (_name, sort, filters) => {
      const values: Record<string, string[]> = {
        subtype: SUBTYPES,
        status: STATUSES,
        source: SOURCES,
        crmOrganizationId: [crmOrganizationId, home.organizationId],
        email: ["a3@x.test", "nobody@x.test"],
      };
      // Of the sorts that all of these stand on alike, a few cases of each.
      const isEach = sort.endsWith("createdAt");
      const cases = filters.reduce<Record<string, string>[]>(
        (chosen, filter) =>
          chosen.flatMap((one) =>
            (values[filter] ?? []).map((value) => ({ ...one, [filter]: value })),
          ),
        [{}],
      );
      const step = isEach ? 1 : Math.max(1, Math.floor(cases.length / 3));
      for (const chosen of cases.filter((_, at) => at % step === 0)) {
        const { contacts, total } = await list(queryOf({ ...chosen, sort, limit: 200 }));
        const expected = scan(chosen, sort);
        expect([chosen, contacts.map(({ id }) => id)]).toEqual([chosen, expected]);
        expect([chosen, total]).toEqual([chosen, expected.length]);
      }
    },
  );

  test.each([
    ["commas", "subtype=lead,customer"],
    ["repetition", "subtype=lead&subtype=customer"],
    ["both, and one twice", "subtype=lead,customer&subtype=lead"],
  ])("several values of a filter, given by %s, find what has any of them", async (_how, query) => {
    const found = await list(`${query}&sort=name&limit=200`);
    const wanted = [...scan({ subtype: "lead" }, "name"), ...scan({ subtype: "customer" }, "name")];
    expect(found.contacts.map(({ id }) => id)).toEqual(
      scan({}, "name").filter((id) => wanted.includes(id)),
    );
    expect(found.total).toBe(wanted.length);
  });

  test("several values are told apart in a cursor, and their order is not", async () => {
    const { nextCursor } = await list("subtype=lead,customer&limit=2");
    const next = await list(`subtype=customer,lead&limit=200&cursor=${nextCursor ?? ""}`);
    const both = scan({}, "-createdAt").filter((id) =>
      ["lead", "customer"].includes(all.find((contact) => contact.id === id)?.subtype ?? ""),
    );
    expect(next.contacts.map(({ id }) => id)).toEqual(both.slice(2));
    expect(await ask(`subtype=lead&cursor=${nextCursor ?? ""}`)).toMatchObject({ status: 400 });
  });

  test("more values than a filter takes are refused", async () => {
    const many = Array.from({ length: 21 }, (_, at) => `a${at}@x.test`).join(",");
    expect(await ask(`email=${many}`)).toMatchObject({ status: 400, paths: ["query.email"] });
  });

  test("a range of times narrows any list, and sorts it where nothing else is said", async () => {
    const [first, second] = [all[4], all[19]];
    const within = all.filter(
      ({ createdAt }) =>
        createdAt >= (first?.createdAt ?? 0) && createdAt <= (second?.createdAt ?? 0),
    );
    const query = `createdFrom=${first?.createdAt}&createdTo=${second?.createdAt}&limit=200`;
    const found = await list(query);
    expect(found.contacts.map(({ id }) => id)).toEqual(within.map(({ id }) => id).reverse());
    const leads = await list(`${query}&subtype=lead&sort=name`);
    expect(leads.contacts.map(({ id }) => id)).toEqual(
      scan({ subtype: "lead" }, "name").filter((id) => within.some((one) => one.id === id)),
    );
    const changed = await list("updatedFrom=2000-01-01&limit=200");
    expect(changed.contacts.map(({ id }) => id)).toEqual(scan({}, "-updatedAt"));
    expect((await list("updatedTo=2000-01-01")).contacts).toEqual([]);
  });

  test("the newest come first where nothing else is said", async () => {
    expect((await list("limit=200")).contacts.map(({ id }) => id)).toEqual(scan({}, "-createdAt"));
  });

  test("the e-mail filter minds no case", async () => {
    expect((await list("email=A3%40X.test")).contacts.map(({ email }) => email)).toEqual([
      "a3@x.test",
    ]);
  });

  test.each([
    ["subtype=vip", "query.subtype"],
    ["subtype=", "query.subtype"],
    ["subtype=Lead", "query.subtype"],
    ["status=archived", "query.status"],
    ["source=web", "query.source"],
    ["sort=email", "query.sort"],
    ["sort=%2BcreatedAt", "query.sort"],
    ["status=active,archived", "query.status"],
    ["status=active,", "query.status"],
    ["sort=name&sort=-name", "query.sort"],
    ["createdFrom=foo", "query.createdFrom"],
    ["dueFrom=2026-01-01", "query.dueFrom"],
    ["subtype[]=lead", "query.subtype[]"],
    ["__proto__=1", "query.__proto__"],
    ["constructor=1", "query.constructor"],
    ["crmOrganizationId=" + "x".repeat(65), "query.crmOrganizationId"],
    ["search=%00", "query.search"],
    ["search=", "query.search"],
    ["search=%20", "query.search"],
    ["search=" + "x".repeat(201), "query.search"],
    ["Status=active", "query.Status"],
  ])("%s is refused, not ignored", async (query, path) => {
    const answer = await ask(query);
    expect([answer.status, answer.code]).toEqual([400, "VALIDATION_ERROR"]);
    expect(answer.paths).toContain(path);
  });

  test("an organization of another tenant filters like one that does not exist", async () => {
    const other = await newTenant(home.backend);
    const theirs = await other.request("POST", "/crm/organizations", { body: { name: "T" } });
    await other.request("POST", "/crm/contacts", {
      body: { lastName: "T", organizationInfo: { name: "T" } },
    });
    const foreign = await list(`crmOrganizationId=${theirs.body.data.id}`);
    expect(foreign).toEqual(await list("crmOrganizationId=nonsense"));
  });
});

describe("a merged contact's e-mail", () => {
  test("finds who it is now, among others, in every order, on every page, with ids and search", async () => {
    const { request } = await newBackend();
    const made = async (firstName: string, email: string): Promise<string> =>
      (await request("POST", "/crm/contacts", { body: { firstName, email } })).body.contactId;
    const zoe = await made("Zoe", "zoe@x.test");
    const gone = [await made("Zoe", "zoe2@x.test"), await made("Zoe", "zoe3@x.test")];
    const adam = await made("Adam", "adam@x.test");
    for (const sourceId of gone) {
      await request("POST", `/crm/contacts/${zoe}/merge`, { body: { sourceId } });
    }
    const found = async (query: string): Promise<[string[], number | null]> => {
      const { body } = await request("GET", `/crm/contacts?${query}`);
      return [body.contacts.map(({ id }) => id), body.total];
    };
    expect(await found("email=zoe2@x.test,zoe3@x.test&limit=1")).toEqual([[zoe], 1]);
    expect(await found("email=zoe2@x.test,nobody@x.test&limit=1")).toEqual([[zoe], 1]);
    const both = "email=zoe2@x.test,adam@x.test,zoe@x.test";
    expect(await found(`${both}&sort=name`)).toEqual([[adam, zoe], 2]);
    expect(await found(`${both}&sort=-name&limit=1`)).toEqual([[zoe], 2]);
    expect(await found(`${both}&sort=-name&limit=1&page=2`)).toEqual([[adam], 2]);
    expect(await found("email=zoe2@x.test&status=inactive")).toEqual([[], 0]);
    expect(await found(`ids=${adam},${zoe}&email=zoe2@x.test`)).toEqual([[zoe], 1]);
    expect(await found("search=zoe&email=zoe3@x.test")).toEqual([[zoe], 1]);
  });
});

test("an owner of another type owns nothing, and is counted nowhere", async () => {
  const { body } = await home.request("GET", `/projects?clientOrgId=${all[0]?.id ?? ""}`);
  expect(body.meta.total).toBe(0);
  const sale = {
    type: "b2c_single",
    lineItems: [{ description: "W", quantity: 1, unitPriceInCents: 1 }],
  };
  const contactId = all[0]?.id ?? "";
  await home.request("POST", "/invoices", { body: { ...sale, billTo: { contactId } } });
  for (const [query, total] of [
    [`contactId=${contactId}`, 1],
    [`crmOrganizationId=${contactId}`, 0],
    [`projectId=${contactId}&status=draft`, 0],
    [`contactId=${contactId},${crmOrganizationId}`, 1],
  ] as const) {
    const answer = await home.request("GET", `/invoices?${query}`);
    expect([query, answer.body.data.length, answer.body.meta.total]).toEqual([query, total, total]);
  }
});

test("a cursor of many long values is taken again", async () => {
  const long = Array.from(
    { length: 17 },
    (_, at) => `${"a".repeat(60)}${at}@${"b".repeat(60)}.${"c".repeat(60)}.test`,
  );
  const query = `subtype=${SUBTYPES.join(",")}&crmOrganizationId=${crmOrganizationId}&email=${["a0@x.test", "a3@x.test", ...long].join(",")}&limit=1`;
  const first = await list(query);
  const second = await list(`${query}&cursor=${first.nextCursor ?? ""}`);
  expect([...first.contacts, ...second.contacts].map(({ email }) => email)).toEqual([
    "a3@x.test",
    "a0@x.test",
  ]);
});

describe("ids", () => {
  test("give those objects in their order, once, with filters, and leave out what is not there", async () => {
    const [one, two, three] = [all[7], all[3], all[11]].map((contact) => contact?.id ?? "");
    const other = await newTenant(home.backend);
    const foreign = await other.request("POST", "/crm/contacts", { body: { lastName: "F" } });
    const asked = [one, "nonsense", two, crmOrganizationId, foreign.body.contactId, one, three];
    const found = await list(`ids=${asked.join(",")}`);
    expect(found.contacts.map(({ id }) => id)).toEqual([one, two, three]);
    expect(found).toMatchObject({ total: 3, nextCursor: null });
    const { subtype } = all[3] ?? {};
    const filtered = await list(`ids=${one}&ids=${two}&subtype=${subtype ?? ""}`);
    expect(filtered.contacts.map(({ id }) => id)).toContain(two);
    expect(new Set(filtered.contacts.map((contact) => contact.subtype))).toEqual(
      new Set([subtype]),
    );
  });

  test.each(["limit=5", "cursor=x", "offset=0", "page=1", "sort=name", "search=ada"])(
    "do not go with %s",
    async (query) => {
      const path = `query.${query.split("=")[0] ?? ""}`;
      expect(await ask(`ids=a&${query}`)).toMatchObject({ status: 400, paths: [path] });
    },
  );

  test("more than a page has are refused", async () => {
    const many = Array.from({ length: 201 }, (_, at) => `a${at}`).join(",");
    expect(await ask(`ids=${many}`)).toMatchObject({ status: 400, paths: ["query.ids"] });
  });
});

describe("paging", () => {
  test.each([
    "limit=0",
    "limit=-1",
    "limit=201",
    "limit=1.5",
    "limit=x",
    "limit=",
    "page_size=0",
    "page_size=201",
    "offset=-1",
    "offset=5001",
    "offset=x",
    "page=0",
    "page=-1",
    "page=102",
    "page=1.5",
    "page=1e400",
  ])("%s is refused", async (query) => {
    const answer = await ask(query);
    expect([answer.status, answer.paths]).toEqual([400, [`query.${query.split("=")[0] ?? ""}`]]);
  });

  test.each(["offset=5001", "page=102", "page=26&limit=200.0", "page=27&limit=200"])(
    "%s is refused, or within reach",
    async (query) => {
      const answer = await ask(query);
      if (answer.status === 200) return;
      expect(answer.body.error.message).toContain("use cursor");
    },
  );

  test.each([
    ["cursor=x&offset=1", "query.offset"],
    ["cursor=x&page=1", "query.page"],
    ["offset=0&page=1", "query.page"],
    ["limit=5&page_size=5", "query.page_size"],
    ["search=ada&sort=name", "query.sort"],
  ])("%s cannot be combined", async (query, path) => {
    expect(await ask(query)).toMatchObject({ status: 400, paths: [path] });
  });

  test.each(SORTS)("cursors, offsets and pages give the same rows, sorted by %s", async (sort) => {
    const expected = scan({}, sort);
    for (const limit of [1, 7, 24, 25, 26]) {
      const byCursor: string[] = [];
      let cursor: string | null = null;
      let turns = 0;
      do {
        const query: string = queryOf({ sort, limit, ...(cursor === null ? {} : { cursor }) });
        const page: Body = await list(query);
        byCursor.push(...page.contacts.map(({ id }) => id));
        expect([limit, page.total]).toEqual([limit, all.length]);
        expect(page.contacts.length).toBeLessThanOrEqual(limit);
        cursor = page.nextCursor;
        turns += 1;
      } while (cursor !== null && turns < 100);
      expect([limit, byCursor]).toEqual([limit, expected]);

      const pages = Math.ceil(all.length / limit);
      const byPage: string[] = [];
      const byOffset: string[] = [];
      for (let page = 1; page <= pages; page++) {
        const one = await list(queryOf({ sort, limit, page }));
        expect(one).toMatchObject({ page, totalPages: pages, total: all.length, limit });
        byPage.push(...one.contacts.map(({ id }) => id));
        const offset = (page - 1) * limit;
        const two = await list(queryOf({ sort, page_size: limit, offset }));
        expect(two).toMatchObject({ offset, limit, total: all.length });
        byOffset.push(...two.contacts.map(({ id }) => id));
      }
      expect(byPage).toEqual(expected);
      expect(byOffset).toEqual(expected);
    }
  });

  test.each(["offset=25", "offset=26", "offset=5000", "page=2&limit=25", "page=101&limit=50"])(
    "%s, beyond the end, is an empty page",
    async (query) => {
      const page = await list(query);
      expect([page.contacts, page.total, page.nextCursor]).toEqual([[], all.length, null]);
    },
  );

  test("a cursor goes on from where an offset or a page ended", async () => {
    const expected = scan({}, "-createdAt");
    for (const query of ["offset=5&limit=5", "page=2&limit=5"]) {
      const { nextCursor } = await list(query);
      const next = await list(queryOf({ cursor: nextCursor ?? "", limit: 5 }));
      expect(next.contacts.map(({ id }) => id)).toEqual(expected.slice(10, 15));
    }
  });

  test("the size of the page may change from cursor to cursor", async () => {
    const { nextCursor } = await list("limit=3");
    const next = await list(queryOf({ cursor: nextCursor ?? "", limit: 200 }));
    expect(next.contacts.map(({ id }) => id)).toEqual(scan({}, "-createdAt").slice(3));
  });
});

describe("cursors", () => {
  async function cursorOf(query: string): Promise<string> {
    const { nextCursor } = await list(query);
    if (nextCursor === null) throw new Error(`${query} has no next page.`);
    return nextCursor;
  }

  test.each([
    "sort=name",
    "subtype=lead",
    "status=inactive",
    "search=ada",
    "subtype=customer&status=active",
  ])("one of the plain list is refused with %s", async (query) => {
    const cursor = await cursorOf("limit=1");
    expect(await ask(`${query}&cursor=${cursor}`)).toMatchObject({
      status: 400,
      paths: ["query.cursor"],
    });
  });

  test("one of contacts is refused by organizations, and by the keys", async () => {
    const cursor = await cursorOf("limit=1");
    for (const path of [
      "/crm/organizations",
      "/api-keys",
      `/crm/organizations/${crmOrganizationId}/contacts`,
    ]) {
      const answer = await home.request("GET", `${path}?cursor=${cursor}`);
      expect([path, answer.status, answer.paths]).toEqual([path, 400, ["query.cursor"]]);
    }
  });

  test.each(["", "x", "%00", "bm9uc2Vuc2U", "WyJhIiwiYiJd", "A".repeat(4000), "{}", "null", "..."])(
    "%j is refused",
    async (cursor) => {
      expect(await ask(`cursor=${cursor}`)).toMatchObject({ status: 400, paths: ["query.cursor"] });
    },
  );

  test("one that is too long is refused", async () => {
    expect(await ask(`cursor=${"A".repeat(4001)}`)).toMatchObject({
      status: 400,
      paths: ["query.cursor"],
    });
  });

  const listNames: [string, string, string][] = [
    ["contacts", "/crm/contacts?", JSON.stringify(["crm_contact", "-createdAt", null, {}])],
    [
      "a search",
      "/crm/contacts?search=ada&",
      JSON.stringify(["crm_contact", "-createdAt", "ada", {}]),
    ],
    [
      "organizations",
      "/crm/organizations?",
      JSON.stringify(["crm_organization", "-createdAt", null, {}]),
    ],
    ["keys", "/api-keys?", "api-keys"],
  ];
  const positions = ["garbage", "", "-1", "1e99", "{}", "null", '["x"]', "_end_cursor2"];
  test.each(
    listNames.flatMap(([name, path, listName]) =>
      positions.map((at) => [name, at, path, listName] as const),
    ),
  )(
    "one of %s with the position %j, which was never given out, is refused",
    async (_name, at, path, listName) => {
      const answer = await home.request("GET", `${path}cursor=${sealCursor(listName, at)}`);
      expect([answer.status, answer.paths]).toEqual([400, ["query.cursor"]]);
    },
  );

  test("one of another tenant shows nothing of that tenant", async () => {
    const other = await newTenant(home.backend);
    for (const lastName of ["A", "B"])
      await other.request("POST", "/crm/contacts", { body: { lastName } });
    const { nextCursor } = (await other.request("GET", "/crm/contacts?limit=1")).body;
    const answer = await ask(`cursor=${nextCursor ?? ""}`);
    const shown = answer.status === 200 ? answer.body.contacts.map(({ id }) => id) : [];
    expect(all.map(({ id }) => id)).toEqual(expect.arrayContaining(shown));
  });

  test.each(SORTS.filter((sort) => !sort.endsWith("updatedAt")))(
    "sorted by %s: what was there at the start comes exactly once, whatever is written meanwhile",
    async (sort) => {
      const { backend, request } = await newBackend();
      const create = async (lastName: string): Promise<string> =>
        (await request("POST", "/crm/contacts", { body: { lastName } })).body.contactId;
      const start: string[] = [];
      for (let i = 0; i < 12; i++) start.push(await create(`N${String(i).padStart(2, "0")}`));
      const doomed = start[6] ?? "";
      const seen: string[] = [];
      let cursor: string | null = null;
      let turn = 0;
      do {
        const query: string = queryOf({ sort, limit: 3, ...(cursor === null ? {} : { cursor }) });
        const page: Body = (await request("GET", `/crm/contacts?${query}`)).body;
        seen.push(...page.contacts.map(({ id }) => id));
        cursor = page.nextCursor;
        turn += 1;
        for (const name of ["A", "N05x", "Z"]) await create(`${name}${turn}`);
        if (turn === 1) await request("DELETE", `/crm/contacts/${doomed}`);
        for (const id of [start[0], start[11]])
          await request("PATCH", `/crm/contacts/${id ?? ""}`, { body: { notes: `${turn}` } });
      } while (cursor !== null && turn < 60);
      expect(new Set(seen).size).toBe(seen.length);
      const kept = start.filter((id) => id !== doomed);
      const order = sort.startsWith("-") ? [...kept].reverse() : kept;
      expect(seen.filter((id) => kept.includes(id))).toEqual(order);
      expect(backend).toBeDefined();
    },
  );
});

describe("search", () => {
  const ids = (body: Body): string[] => body.contacts.map(({ id }) => id).sort();

  test("finds by each word's start, in any case", async () => {
    expect(ids(await list("search=ADA&limit=200"))).toEqual(scan({}, "name").sort());
    expect((await list("search=q0")).contacts.map(({ lastName }) => lastName)).toEqual(["Q0"]);
  });

  test.each(
    subsets(["subtype", "status", "source", "crmOrganizationId"]).map(
      (set) => [set.join("+") || "nothing", set] as const,
    ),
  )("with the filters %s finds what matches both", async (_name, filters) => {
    const values = { subtype: "lead", status: "active", source: "api", crmOrganizationId };
    const chosen = Object.fromEntries(
      Object.entries(values).filter(([name]) => filters.includes(name)),
    );
    const found = await list(queryOf({ search: "ada", limit: 200, ...chosen }));
    expect(ids(found)).toEqual(scan(chosen, "name").sort());
    expect(found).toMatchObject({ total: found.contacts.length, totalIsCapped: false });
  });

  test("goes with the e-mail filter, several values, and ranges", async () => {
    expect((await list("search=ada&email=a3%40x.test")).contacts).toHaveLength(1);
    const both = await list("search=ada&subtype=lead,customer&limit=200");
    expect(ids(both)).toEqual(
      [...scan({ subtype: "lead" }, "name"), ...scan({ subtype: "customer" }, "name")].sort(),
    );
    expect((await list("search=ada&createdTo=2000-01-01")).contacts).toEqual([]);
  });

  test("pages by cursor, offset and page", async () => {
    const whole = (await list("search=ada&limit=200")).contacts.map(({ id }) => id);
    const first = await list("search=ada&limit=10");
    const second = await list(`search=ada&limit=10&cursor=${first.nextCursor ?? ""}`);
    const third = await list(`search=ada&limit=10&cursor=${second.nextCursor ?? ""}`);
    expect([first, second, third].flatMap(({ contacts }) => contacts.map(({ id }) => id))).toEqual(
      whole,
    );
    expect(third.nextCursor).toBeNull();
    expect((await list("search=ada&limit=10&page=3")).contacts).toEqual(third.contacts);
    expect((await list("search=ada&limit=10&offset=20")).contacts).toEqual(third.contacts);
  });

  test.each([
    "!!!",
    "%25",
    "*",
    "' OR 1=1 --",
    "\\",
    "日本",
    "a".repeat(200),
    "a b c d e f g h i j k l m n o p q r s t",
  ])("%j is only a text", async (text) => {
    const answer = await ask(queryOf({ search: text }));
    expect(answer.status).toBe(200);
  });
});

describe("organizations", () => {
  test("list, filter, sort, search and page like contacts", async () => {
    const { request } = await newBackend();
    const made: string[] = [];
    for (const [name, subtype, status] of [
      ["Beta", "customer", "active"],
      ["alpha", "supplier", "active"],
      ["Gamma", "customer", "inactive"],
    ] as const) {
      made.push(
        (await request("POST", "/crm/organizations", { body: { name, subtype, status } })).body.data
          .id,
      );
    }
    const names = async (query: string): Promise<[string[], number | null]> => {
      const { data, meta } = (await request("GET", `/crm/organizations?${query}`)).body;
      return [data.map(({ name }) => name), meta.total];
    };
    expect(await names("")).toEqual([["Gamma", "alpha", "Beta"], 3]);
    expect(await names("sort=name")).toEqual([["alpha", "Beta", "Gamma"], 3]);
    expect(await names("subtype=customer")).toEqual([["Gamma", "Beta"], 2]);
    expect(await names("status=active&sort=createdAt")).toEqual([["Beta", "alpha"], 2]);
    expect(await names("subtype=customer&status=inactive")).toEqual([["Gamma"], 1]);
    expect(await names("search=alp")).toEqual([["alpha"], 1]);
    expect(await names("limit=1&page=3")).toEqual([["Beta"], 3]);
    expect((await request("GET", "/crm/organizations?source=api")).paths).toEqual(["query.source"]);
  });
});

/** `new URLSearchParams(filters)` writes the word for a filter that the documented client has not got. */
describe("a parameter of the documented client that says undefined is as if it had not been sent", () => {
  test.each([
    ["/crm/contacts", ["subtype", "status", "source", "limit", "offset"]],
    ["/projects", ["subtype", "status", "priority", "limit", "offset"]],
    ["/invoices", ["status", "type", "contactId", "limit", "offset"]],
  ] as const)("%s", async (path, names) => {
    const all = names.map((name) => `${name}=undefined`).join("&");
    for (const query of [all, ...names.map((name) => `${name}=undefined`)]) {
      const plain = await home.request("GET", path);
      const answer = await home.request("GET", `${path}?${query}`);
      expect([query, answer.status]).toEqual([query, 200]);
      // But for the trace id, which a documented literal body has not.
      expect({ ...answer.body, meta: null }).toEqual({ ...plain.body, meta: null });
      expect(answer.body.meta?.total).toBe(plain.body.meta?.total);
    }
  });

  test("and no other parameter is: it is refused by name", async () => {
    for (const [path, name] of [
      ["/crm/contacts", "sort"],
      ["/crm/contacts", "cursor"],
      ["/crm/organizations", "status"],
      ["/projects", "odd"],
      ["/quotes", "status"],
    ] as const) {
      const answer = await home.request("GET", `${path}?${name}=undefined`);
      expect([answer.status, answer.paths]).toEqual([400, [`query.${name}`]]);
    }
    const search = await home.request("GET", "/crm/contacts?search=undefined");
    expect([search.status, search.body.total]).toEqual([200, 0]);
  });
});
