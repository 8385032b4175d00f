/**
 * Tasks as an organization grows: the documents that requests read, a search over everything, and how long
 * a move on a board of 5,000 takes to reach another client.
 */
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { makeFunctionReference } from "convex/server";
import { ranksBetween } from "../../convex/ontology/ranks";
import type { ObjectDoc } from "../../convex/ontology/registry";
import { taskType } from "../../convex/types/task/type";
import { adminClient, demoKey, loggedDocuments } from "./contacts";
import { type Call, Client, latencies, median } from "./load";
import { type Row, step, table } from "./report";
import { append, inBatches, newestRow, objectAfter, type Person, seed, startSeeded } from "./seed";
import { type MeasuredServer, removeData, startFreehold } from "./server";

type Task = ObjectDoc<"task">;

/** One board has as many; of fewer tasks there is one project. */
const TASKS_PER_PROJECT = 5_000;
/** Tasks and contacts that every size has alike: what a search for them finds. */
const SHARED = 20;
const SAMPLES = 60;
const MOVES = 60;

/** So many tasks, and a tenth of that of contacts, in one organization. */
export async function benchTasks(sizes: readonly number[]): Promise<void> {
  const [documents, searches]: [Row[], Row[]] = [[], []];
  for (const [place, size] of sizes.entries()) {
    const { server, client, projects } = await filled(size);
    documents.push({ tasks: size, ...(await documentsRead(server, client, projects)) });
    searches.push({ objects: Math.round(size * 1.1), ...(await searchTimes(client)) });
    if (place === sizes.length - 1) await benchBoard(server, client, projects);
    client.close();
    await server.stop();
    await removeData(server);
  }
  table("Tasks: documents that a request reads, its credential's included", documents);
  table("Search over everything, median latency in ms", searches);
  const [first, last] = [searches[0], searches.at(-1)];
  if (!first || !last || first === last) return;
  const ratios = Object.keys(first).filter((name) => name !== "objects");
  const row = ratios.map((name) => [name, Number(last[name]) / Number(first[name])]);
  const title = `Search over ${last["objects"]} objects ÷ over ${first["objects"]}`;
  table(title, [{ ratio: "", ...(Object.fromEntries(row) as Row) }]);
}

const foldCounts = makeFunctionReference<"mutation">("maintenance:foldCounts");

type Filled = { server: MeasuredServer; client: Client; projects: string[] };

async function filled(size: number): Promise<Filled> {
  step(`tasks: filling up to ${size.toLocaleString("en")}`);
  const empty = await startSeeded(Math.max(SHARED, Math.round(size / 10)), person);
  const first = new Client(`${empty.url}/api/v1`, await demoKey(empty));
  const projects: string[] = [];
  for (let made = 0; made < size; made += TASKS_PER_PROJECT) {
    projects.push(await created(first, "/projects", { subtype: "internal", name: "Bench" }));
  }
  const [projectId = ""] = projects;
  await created(first, "/tasks", { projectId, title: "Model" });
  first.close();
  await empty.stop();
  await seed(empty.data, async (database) => {
    const model = await newestRow<Task>(database, "objects");
    const places = ranksBetween(model.customProperties.position, null, TASKS_PER_PROJECT);
    await inBatches(size, async (from, to) => {
      const tasks = Array.from({ length: to - from }, (_, place) => {
        const index = from + place;
        const project = projects[Math.floor(index / TASKS_PER_PROJECT)] ?? projectId;
        const position = places[index % TASKS_PER_PROJECT] ?? "";
        return objectAfter(model, taskOf(model, index, project, position), size - index);
      });
      await append(database, tasks);
    });
  });
  const server = await startFreehold({ data: empty.data });
  // Seeding leaves deltas of counts, which no writes have folded.
  await (await adminClient(server)).mutation(foldCounts, {});
  return { server, client: new Client(`${server.url}/api/v1`, await demoKey(server)), projects };
}

function taskOf(model: Task, index: number, projectId: string, position: string): Task {
  const name = index < SHARED ? `Rosalind ${index}` : `Everybody ${index}`;
  const key = `${model.customProperties.key}-${index}`;
  const status = taskType.statuses[index % taskType.statuses.length] ?? "todo";
  const own = {
    name,
    key,
    position,
    projectId: projectId as Task["customProperties"]["projectId"],
  };
  return { ...model, status, customProperties: { ...model.customProperties, ...own } };
}

function person(index: number): Person {
  return {
    firstName: index < SHARED ? "Rosalind" : `Person${index}`,
    lastName: index < SHARED ? `Everybody ${index}` : "Everybody",
    email: `person${index}@company${index % 500}.example`,
  };
}

async function created(client: Client, at: string, body: object): Promise<string> {
  const { data } = await client.json({ method: "POST", path: at, body });
  return (data as { id: string }).id;
}

async function documentsRead(
  server: MeasuredServer,
  client: Client,
  projects: readonly string[],
): Promise<Row> {
  const projectId = projects.at(-1) ?? "";
  const todo = `/projects/${projectId}/tasks?status=todo&sort=position&limit=2`;
  const { data } = await client.json({ method: "GET", path: todo });
  const [first, second] = data as { id: string }[];
  const calls: Record<string, Call> = {
    create: { method: "POST", path: "/tasks", body: { projectId, title: "Another" } },
    move: { method: "POST", path: `/tasks/${first?.id}/move`, body: { after: second?.id } },
    "move to a column": {
      ...{ method: "POST", path: `/tasks/${second?.id}/move` },
      body: { status: "in_progress" },
    },
    board: { method: "GET", path: `/projects/${projectId}/board` },
    "list of 50": { method: "GET", path: "/tasks?limit=50" },
    "list of 50 of a project": { method: "GET", path: `/projects/${projectId}/tasks?limit=50` },
    "list of 50, unassigned": { method: "GET", path: "/tasks?assignee=none&limit=50" },
  };
  const row: Row = {};
  for (const [name, call] of Object.entries(calls)) {
    const id = randomUUID();
    await client.call({ ...call, headers: { "X-Request-Id": id } });
    row[name] = await loggedDocuments(server, id);
  }
  return row;
}

async function searchTimes(client: Client): Promise<Row> {
  const row: Row = {};
  for (const [name, text] of Object.entries({ "20 of 40 hits": "rosalind", "no hit": "nobody" })) {
    const call = (): Promise<unknown> => client.call({ method: "GET", path: `/search?q=${text}` });
    await latencies(SAMPLES, call);
    row[name] = median(await latencies(SAMPLES, call));
  }
  return row;
}

type Board = { columns: { status: string; tasks: { _id: string }[] }[] };
const getBoard = makeFunctionReference<"query", Record<string, string>, Board>(
  "taskOntology:getBoard",
);
const moveTask = makeFunctionReference<"mutation">("taskOntology:moveTask");

/** From the sending of a move by one client to its arrival at another, beside a board that nobody changes. */
async function benchBoard(
  server: MeasuredServer,
  client: Client,
  projects: readonly string[],
): Promise<void> {
  step("tasks: moving on a board");
  const demo = JSON.parse(await readFile(path.join(server.data, "demo.json"), "utf8")) as {
    staff: { sessionToken: string };
  };
  const sessionId = demo.staff.sessionToken;
  const projectId = projects[0] ?? "";
  const other = await created(client, "/projects", { subtype: "internal", name: "Other" });
  const watching = new ConvexClient(server.cloudUrl, { logger: false });
  const writer = new ConvexHttpClient(server.cloudUrl, { logger: false });
  let board: Board = { columns: [] };
  let arrived: () => void = () => undefined;
  const loaded = [projectId, other].map(
    (id) =>
      new Promise<void>((resolve) => {
        watching.onUpdate(getBoard, { sessionId, projectId: id }, (now) => {
          if (id === projectId) board = now;
          arrived();
          resolve();
        });
      }),
  );
  await Promise.all(loaded);
  const times: number[] = [];
  const ranBefore = await queriesRun(server);
  for (let move = 0; move < MOVES; move++) {
    const todo = board.columns.find(({ status }) => status === "todo")?.tasks ?? [];
    const came = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const before = performance.now();
    const moved = { sessionId, taskId: todo.at(-1)?._id, before: todo[0]?._id };
    const written = writer.mutation(moveTask, moved);
    await came;
    times.push(performance.now() - before);
    await written;
  }
  const ran = (await queriesRun(server)) - ranBefore;
  await watching.close();
  const row = {
    "move → other client, median ms": median(times),
    "queries run a move": ran / MOVES,
  };
  table(`A board of ${TASKS_PER_PROJECT} tasks, beside another that is watched, too`, [row]);
}

/** As the server counts them for whoever operates it. */
async function queriesRun(server: MeasuredServer): Promise<number> {
  const key = (await readFile(path.join(server.data, "admin.key"), "utf8")).trim();
  const headers = { authorization: `Convex ${key}` };
  const text = await (await fetch(`${server.cloudUrl}/metrics`, { headers })).text();
  const counted = text
    .split("\n")
    .filter((line) => line.startsWith('freehold_call_duration_seconds_count{kind="query"'));
  return counted.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}
