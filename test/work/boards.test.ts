import { beforeAll, describe, expect, test, vi } from "vitest";
import { api } from "../../convex/_generated/api";
import { type Fixture, logLines, newBackend, newTenant, requestsOf } from "../helpers/backend";

type Shown = Record<string, unknown> & { id: string };
type Column = { status: string; total: number; tasks: Shown[]; nextCursor: string | null };

let home: Fixture;
let projectId: string;

async function given(
  method: "GET" | "POST" | "PATCH" | "DELETE",
  path: string,
  body?: object,
): Promise<Shown> {
  const answer = await home.request(method, path, body ? { body } : {});
  expect(answer.status, answer.text).toBeLessThan(300);
  return answer.body?.data as unknown as Shown;
}

beforeAll(async () => {
  home = await newBackend();
  const dates = { startDate: "2026-05-01", targetEndDate: "2026-06-30" };
  const project = await given("POST", "/projects", {
    subtype: "internal",
    name: "Relaunch",
    ...dates,
  });
  projectId = project.id;
  for (let n = 0; n < 25; n += 1)
    await given("POST", `/projects/${projectId}/tasks`, { title: `Task ${n}` });
});

async function board(): Promise<Column[]> {
  return (await given("GET", `/projects/${projectId}/board`))["columns"] as Column[];
}

describe("a board", () => {
  test("has every column with its first twenty in their order and a cursor to the others", async () => {
    const columns = await board();
    expect(columns.map(({ status, total }) => [status, total])).toEqual([
      ...[
        ["todo", 25],
        ["in_progress", 0],
        ["in_review", 0],
        ["done", 0],
        ["cancelled", 0],
      ],
    ]);
    const [todo] = columns;
    expect(todo?.tasks.map(({ title }) => title)).toEqual(
      Array.from({ length: 20 }, (_, n) => `Task ${n}`),
    );
    const more = `/projects/${projectId}/board?status=todo&cursor=${todo?.nextCursor}`;
    const [rest] = (await given("GET", more))["columns"] as Column[];
    expect(rest?.nextCursor).toBeNull();
    expect(rest?.tasks.map(({ title }) => title)).toEqual(
      Array.from({ length: 5 }, (_, n) => `Task ${n + 20}`),
    );
  });

  test("reads at most twenty documents of a column, and twenty", async () => {
    await board();
    const line = logLines().findLast(({ path }) => String(path).endsWith("/board"));
    expect(line?.["documentsRead"]).toBeGreaterThan(20);
    expect(line?.["documentsRead"]).toBeLessThanOrEqual(120);
  });

  test("is live, with what its route shows", async () => {
    const live = await home.backend.query(api.taskOntology.getBoard, {
      sessionId: home.sessionToken,
      projectId,
    });
    expect(live).toEqual({ projectId, columns: await board() });
  });
});

describe("a calendar", () => {
  test("has what falls on its days: due tasks, projects' first and last days, invoices' dates", async () => {
    const task = await given("POST", `/projects/${projectId}/tasks`, {
      title: "Due",
      dueDate: "2026-05-31",
    });
    const line = { description: "Work", quantity: 1, unitPriceInCents: 100, taxRatePercent: 19 };
    const invoice = await given("POST", "/invoices", {
      ...{ type: "b2c_single", lineItems: [line], billTo: { name: "Ada" } },
      ...{ issueDate: "2026-05-20", dueDate: "2026-06-03" },
    });
    const calendar = await given("GET", "/calendar?from=2026-05-01&to=2026-06-30");
    expect((calendar as unknown as Shown[]).map(({ kind, id, date }) => [kind, id, date])).toEqual([
      ["project_start", projectId, "2026-05-01"],
      ["invoice_issued", invoice.id, "2026-05-20"],
      ["task_due", task.id, "2026-05-31"],
      ["invoice_due", invoice.id, "2026-06-03"],
      ["project_end", projectId, "2026-06-30"],
    ]);
    await given("PATCH", `/tasks/${task.id}`, { status: "done" });
    const later = (await given(
      "GET",
      "/calendar?from=2026-05-21&to=2026-06-01",
    )) as unknown as Shown[];
    expect(later).toEqual([]);
  });

  test("of more than a year is refused", async () => {
    const answer = await home.request("GET", "/calendar?from=2024-05-01&to=2026-06-30");
    expect(answer.status).toBe(400);
  });

  test("is read by a secret address, as days, until it is taken back or its key revoked", async () => {
    const day = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
    const title = "Ünïcode, long; with\\slashes " + "x".repeat(150);
    const task = await given("POST", `/projects/${projectId}/tasks`, { title, dueDate: day });
    const url = (await given("POST", "/calendar/feed"))["url"] as string;
    const asked = async (address: string): Promise<Response> =>
      await home.backend.fetch(new URL(address, "https://site.test").pathname);
    const fetched = async (): Promise<Response> => await asked(url);
    const text = (await (await fetched()).text()).replaceAll("\r\n ", "");
    expect(text).toContain(`UID:task_due-${task.id}@freehold`);
    expect(text).toContain(`DTSTART;VALUE=DATE:${day.replaceAll("-", "")}`);
    expect(text).toContain("SUMMARY:Due: Ünïcode\\, long\\; with\\\\slashes xxx");
    const other = (await given("POST", "/calendar/feed"))["url"] as string;
    expect((await fetched()).status).toBe(404);
    vi.stubEnv("RATE_LIMIT_FACTOR", "0.01");
    const busy = [(await asked(other)).status, (await asked(other)).status];
    expect(busy).toEqual([200, 429]);
    vi.stubEnv("RATE_LIMIT_FACTOR", "1000");
    await home.backend.run(async ({ db }) => {
      for (const { _id } of await db.query("rateLimits").collect()) {
        await db.delete("rateLimits", _id);
      }
    });
    await given("DELETE", "/calendar/feed");
    expect((await asked(other)).status).toBe(404);
    vi.unstubAllEnvs();
  });

  test("shows another organization's caller nothing", async () => {
    const { request } = await newTenant(home.backend);
    const answer = await request("GET", "/calendar?from=2026-05-01&to=2026-06-30");
    expect(answer.body.data).toEqual([]);
  });
});

describe("the workload", () => {
  test("is told by person and week, the minutes of a shared task once in all", async () => {
    const owner = await home.backend.run(async ({ db }) => await db.query("users").first());
    const assigneeIds = [owner?._id];
    const due = { assigneeIds, dueDate: "2026-07-08", estimateMinutes: 91 };
    await given("POST", `/projects/${projectId}/tasks`, { title: "A", ...due });
    await given("POST", `/projects/${projectId}/tasks`, {
      title: "B",
      ...due,
      dueDate: "2026-07-12",
    });
    const session = requestsOf(home.backend, home.sessionToken);
    const { body } = await session("GET", "/workload?from=2026-07-01&to=2026-07-31");
    expect(body.data).toEqual([
      { userId: owner?._id, name: "Olga Owner", week: "2026-W28", tasks: 2, plannedMinutes: 182 },
    ]);
    const { sessionToken: sessionId, organizationId } = home;
    const days = { sessionId, organizationId, from: "2026-07-01", to: "2026-07-31" };
    const live = await home.backend.query(api.taskOntology.getWorkload, days);
    expect(live).toEqual(body.data);
  });
});
