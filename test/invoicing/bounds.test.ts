import { beforeEach, describe, expect, test, vi } from "vitest";
import { dayOf } from "../../convex/kit/localTime";
import { endpoints, incomingWebhooks } from "../../convex/api/endpoints";
import { openApiDocument } from "../../convex/kit/openapi";
import type { OpenApi } from "../helpers/openapi";
import { pathOf, routes } from "../helpers/routes";
import { type Books, created, invoice, line, openBooks, shown } from "./books";

/** Dates and times have bounds, on every route that takes any. */
const DAY = 86_400_000;

let books: Books;

beforeEach(async () => {
  vi.stubEnv("RATE_LIMIT_FACTOR", "10000");
  books = await openBooks();
});

const FAR = [
  ...["2263-01-01", "2300-06-01", "9999-12-31", "+275760-09-13T00:00:00Z", "-000001-01-01"],
  ...["9223372036855", "8640000000000000", "8640000000000001", "9007199254740991", "1e300", "-1"],
];
const NAMES = /^(from|to|since|until|asOf|startDate|endDate|(created|updated)(From|To))$/;

describe("a time beyond 2262 in a parameter is answered, and is never an internal error", () => {
  const document = openApiDocument(endpoints, incomingWebhooks) as unknown as OpenApi;
  const reading = routes.flatMap((route) => {
    const at = route.path.replace(/:(\w+)/g, "{$1}");
    const parameters = document.paths[at]?.[route.method.toLowerCase()]?.parameters ?? [];
    const times = parameters.filter((one) => one.in === "query" && NAMES.test(one.name));
    return route.method === "GET" && times.length > 0
      ? [[route.title, route, times.map(({ name }) => name)] as const]
      : [];
  });

  test.each(reading)("%s", async (_title, route, names) => {
    const [path = "", query = ""] = (await pathOf(route, books.request)).split("?");
    for (const name of names) {
      for (const value of FAR) {
        const parameters = new URLSearchParams(query);
        parameters.set(name, value);
        const answer = await books.get(`${path}?${parameters}`);
        expect([name, value, [200, 400].includes(answer.status), answer.text]).toEqual([
          ...[name, value, true, answer.text],
        ]);
        if (answer.status === 400) expect(answer.code).toBe("VALIDATION_ERROR");
      }
    }
  });
});

test("a date of a document beyond the bounds is refused by name, and 2300 and 1990 are taken", async () => {
  const contactId = await books.contact();
  const sent = await books.sent();
  const { type, lineItems, billTo } = invoice();
  const sale = { type, lineItems, billTo };
  const bodies: [string, string, object][] = [
    ["/invoices", "issueDate", sale],
    ["/invoices", "dueDate", sale],
    ["/quotes", "validUntil", sale],
    [`/invoices/${sent.id}/pay`, "paidDate", { paymentMethod: "cash" }],
    [`/invoices/${sent.id}/credit-notes`, "issueDate", {}],
    [`/invoices/${sent.id}/copy`, "issueDate", {}],
    ["/projects", "startDate", { subtype: "internal", name: "Relaunch", contactIds: [contactId] }],
  ];
  const wrong = [Date.UTC(2300, 0, 5), 8.64e15, "2300-01-05", "1989-12-29", 1_790_000_000, 0, -1];
  for (const [path, name, body] of bodies) {
    for (const value of wrong) {
      const answer = await books.post(path, { ...body, [name]: value });
      expect([path, name, value, answer.status, answer.paths]).toEqual([
        ...[path, name, value, 400, [`body.${name}`]],
      ]);
    }
  }
  for (const day of ["2300-01-01", "1990-01-01"]) {
    const answer = await books.post("/invoices", { ...sale, issueDate: day, dueDate: day });
    expect(shown(answer).customProperties.issueDate).toBe(Date.parse(day));
  }
});

test("a credit note is not dated before its invoice, and may be of its day", async () => {
  const { id } = await books.sent({ issueDate: Date.UTC(2026, 0, 10, 15) });
  const credit = async (issueDate: unknown) =>
    await books.post(`/invoices/${id}/credit-notes`, {
      ...{ issueDate, lineItems: [line({ unitPriceInCents: 100 })] },
    });
  for (const day of ["2026-01-09", "2020-05-01", Date.UTC(2026, 0, 9, 23, 59)]) {
    const answer = await credit(day);
    expect([day, answer.status, answer.paths]).toEqual([day, 400, ["body.issueDate"]]);
  }
  expect((await books.get(`/invoices/${id}/credit-notes`)).body.data).toEqual([]);
  expect((await credit("2026-01-10")).status).toBe(201);
});

describe("a recurring invoice that begins in the past", () => {
  const template = async (weeks: number, fields: object = {}) => {
    const { type, lineItems, billTo } = invoice();
    const startDay = dayOf(Date.now() - weeks * 7 * DAY, "UTC");
    const schedule = { frequency: "weekly", startDay };
    const body = { title: "Hosting", type, lineItems, billTo, schedule, ...fields };
    return await books.post("/recurring-invoices", body);
  };

  test("makes nothing for the days before today", async () => {
    const { customProperties } = created(await template(520));
    expect(String(customProperties["nextDay"]) >= dayOf(Date.now(), "UTC")).toBe(true);
  });

  test("makes up for twelve days where that is asked for, and for no more", async () => {
    const made = created(await template(12, { backfill: true }));
    expect(made.customProperties["nextDay"]).toBe(dayOf(Date.now() - 12 * 7 * DAY, "UTC"));
    for (const weeks of [13, 520]) {
      const answer = await template(weeks, { backfill: true });
      expect([answer.status, answer.paths]).toEqual([400, ["body.backfill"]]);
    }
    expect((await books.get("/recurring-invoices")).body.data).toHaveLength(1);
  });
});
