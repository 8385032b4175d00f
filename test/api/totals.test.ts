import fc from "fast-check";
import { beforeEach, expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import { type Fixture, newBackend, newTenant } from "../helpers/backend";

beforeEach(() => {
  vi.stubEnv("RATE_LIMIT_FACTOR", "1000");
});

const SUBTYPES = ["lead", "prospect", "customer"];
const STATUSES = ["active", "inactive"];
const SOURCES = ["api", "event", "checkout"];

type Kind = { subtype: string; status: string; source: string };
type Model = Map<string, Kind & { organization: string | null }>;

const kind = fc.record({
  subtype: fc.constantFrom(...SUBTYPES),
  status: fc.constantFrom(...STATUSES),
  source: fc.constantFrom(...SOURCES),
});
const step = fc.oneof(
  fc.record({ do: fc.constant("create" as const), kind, member: fc.boolean() }),
  fc.record({ do: fc.constant("change" as const), kind, member: fc.boolean(), which: fc.nat(50) }),
  fc.record({ do: fc.constant("delete" as const), which: fc.nat(50) }),
  fc.record({ do: fc.constant("refused" as const), which: fc.nat(50) }),
  fc.record({ do: fc.constant("fold" as const) }),
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

async function organization({ request }: Fixture): Promise<string> {
  return (await request("POST", "/crm/organizations", { body: { name: "Acme" } })).body.data.id;
}

async function take(home: Fixture, model: Model, acme: string, step: Step): Promise<void> {
  const { request } = home;
  if (step.do === "fold") {
    await home.backend.mutation(internal.maintenance.foldCounts, {});
    return;
  }
  const ids = [...model.keys()];
  if (step.do === "create") {
    const { body } = await request("POST", "/crm/contacts", {
      body: {
        ...step.kind,
        lastName: "Doe",
        ...(step.member ? { organizationInfo: { name: "Acme" } } : {}),
      },
    });
    model.set(body.contactId, { ...step.kind, organization: step.member ? acme : null });
    return;
  }
  const id = ids[step.which % Math.max(1, ids.length)];
  if (id === undefined) return;
  if (step.do === "delete") {
    await request("DELETE", `/crm/contacts/${id}`);
    model.delete(id);
  } else if (step.do === "change") {
    const crmOrganizationId = step.member ? acme : null;
    await request("PATCH", `/crm/contacts/${id}`, { body: { ...step.kind, crmOrganizationId } });
    model.set(id, { ...step.kind, organization: crmOrganizationId });
  } else {
    const body = { subtype: "customer", crmOrganizationId: "nonsense" };
    expect((await request("PATCH", `/crm/contacts/${id}`, { body })).status).toBe(404);
  }
}

function options(values: string[]): (string | undefined)[] {
  return [undefined, ...values];
}

/** The totals of every combination of filters that has one, as a scan of the model finds them. */
async function expectExactTotals(home: Fixture, model: Model, acme: string): Promise<void> {
  const contacts = [...model.values()];
  for (const subtype of options(SUBTYPES)) {
    for (const status of options(STATUSES)) {
      for (const source of options(SOURCES)) {
        const filters = Object.entries({ subtype, status, source }).filter(
          ([, value]) => value !== undefined,
        );
        const query = new URLSearchParams({
          ...(Object.fromEntries(filters) as Record<string, string>),
          limit: "1",
        });
        const { total } = (await home.request("GET", `/crm/contacts?${query.toString()}`)).body;
        const found = contacts.filter((contact) =>
          filters.every(([name, value]) => contact[name as keyof Kind] === value),
        );
        expect([Object.fromEntries(filters), total]).toEqual([
          Object.fromEntries(filters),
          found.length,
        ]);
      }
    }
  }
  const members = contacts.filter((contact) => contact.organization === acme);
  const { meta } = (await home.request("GET", `/crm/organizations/${acme}/contacts?limit=1`)).body;
  expect(meta.total).toBe(members.length);
}

test("totals are exact for every combination of filters, whatever was written and folded", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
      const home = await newBackend();
      const acme = await organization(home);
      const model: Model = new Map();
      for (const one of steps) await take(home, model, acme, one);
      await expectExactTotals(home, model, acme);
      await home.backend.mutation(internal.maintenance.foldCounts, {});
      await expectExactTotals(home, model, acme);
    }),
    { numRuns: 12 },
  );
});

test("a fold takes up every delta, and leaves no cell of nothing", async () => {
  const home = await newBackend();
  const acme = await organization(home);
  const model: Model = new Map();
  const kind = { subtype: "lead", status: "active", source: "api" };
  for (let i = 0; i < 5; i++) await take(home, model, acme, { do: "create", kind, member: true });
  for (let i = 0; i < 5; i++) await take(home, model, acme, { do: "delete", which: 0 });
  await home.backend.mutation(internal.maintenance.foldCounts, {});
  expect(await home.backend.run(async ({ db }) => await db.query("countDeltas").collect())).toEqual(
    [],
  );
  const rows = await home.backend.run(async ({ db }) => await db.query("counts").collect());
  const contacts = rows.filter(({ group }) => group.startsWith("crm_contact"));
  expect(contacts.map(({ cells }) => cells)).toEqual(contacts.map(() => []));
  await expectExactTotals(home, model, acme);
});

test("folds and writes at once lose nothing and count nothing twice", async () => {
  const home = await newBackend();
  const { request, backend } = home;
  const writes = Array.from({ length: 20 }, (_, i) =>
    request("POST", "/crm/contacts", { body: { lastName: `${i}` } }),
  );
  const folds = Array.from({ length: 5 }, () =>
    backend.mutation(internal.maintenance.foldCounts, {}),
  );
  await Promise.all([...writes, ...folds]);
  expect((await request("GET", "/crm/contacts")).body.total).toBe(20);
});

test("totals of one tenant know nothing of another's", async () => {
  const home = await newBackend();
  const other = await newTenant(home.backend);
  await home.request("POST", "/crm/contacts", { body: { lastName: "A" } });
  await home.backend.mutation(internal.maintenance.foldCounts, {});
  await home.request("POST", "/crm/contacts", { body: { lastName: "B" } });
  expect((await other.request("GET", "/crm/contacts")).body.total).toBe(0);
  expect((await home.request("GET", "/crm/contacts")).body.total).toBe(2);
});
