/**
 * Live queries: how long a commit takes to reach the one client that it concerns, beside few and
 * beside many subscriptions that it does not concern, and what an idle subscription weighs.
 */
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { makeFunctionReference } from "convex/server";
import { type Row, step, table } from "./report";
import { type MeasuredServer, removeData, startFreehold } from "./server";

const OTHERS = [10, 1_000];
const SUBSCRIPTIONS_PER_CLIENT = 100;
const COMMITS = 200;
const ROWS_PER_LIST = 10;

const PACKAGES = fileURLToPath(new URL("../../node_modules", import.meta.url));
const SCHEMA = `import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
export default defineSchema({
  items: defineTable({ list: v.string(), text: v.string() }).index("by_list", ["list"]),
});
`;
const ITEMS = `import { mutationGeneric as mutation, queryGeneric as query } from "convex/server";
import { v } from "convex/values";
export const list = query({
  args: { list: v.string() },
  handler: async (ctx, { list }) =>
    await ctx.db.query("items").withIndex("by_list", (q) => q.eq("list", list)).collect(),
});
export const add = mutation({
  args: { list: v.string(), text: v.string() },
  handler: async (ctx, item) => await ctx.db.insert("items", item),
});
export const fill = mutation({
  args: { from: v.number(), to: v.number(), rows: v.number() },
  handler: async (ctx, { from, to, rows }) => {
    for (let list = from; list < to; list++) {
      for (let row = 0; row < rows; row++) {
        await ctx.db.insert("items", { list: "list " + list, text: "row " + row });
      }
    }
  },
});
`;

const list = makeFunctionReference<"query", { list: string }, { text: string }[]>("items:list");
const add = makeFunctionReference<"mutation">("items:add");
const fill = makeFunctionReference<"mutation">("items:fill");

export async function benchLive(): Promise<void> {
  const project = await makeProject();
  const server = await startFreehold({
    flags: ["--no-demo", "--functions", path.join(project, "convex")],
  });
  try {
    await measure(server);
  } finally {
    await server.stop();
    await removeData(server);
    await rm(project, { recursive: true, force: true });
  }
}

/** A functions folder of its own, so that what is measured is the host and not the app. */
async function makeProject(): Promise<string> {
  const project = await mkdtemp(path.join(tmpdir(), "freehold-bench-live-"));
  await mkdir(path.join(project, "convex"));
  await symlink(PACKAGES, path.join(project, "node_modules"));
  await writeFile(path.join(project, "package.json"), '{"name":"bench","type":"module"}');
  await writeFile(path.join(project, "convex/schema.ts"), SCHEMA);
  await writeFile(path.join(project, "convex/items.ts"), ITEMS);
  return project;
}

async function measure(server: MeasuredServer): Promise<void> {
  const writer = new ConvexHttpClient(server.cloudUrl, { logger: false });
  const most = Math.max(...OTHERS);
  for (let from = 0; from < most; from += 100) {
    await writer.mutation(fill, { from, to: from + 100, rows: ROWS_PER_LIST });
  }
  const watching = new ConvexClient(server.cloudUrl, { logger: false });
  const others = new Others(server.cloudUrl);
  const rows: Row[] = [];
  let before = await settledMemory(server);
  let medianBeside = 0;
  await timeCommits(watching, writer, "warm-up");
  try {
    for (const count of OTHERS) {
      step(`live queries: ${count} others`);
      const had = others.count;
      if (count === most) before = await settledMemory(server);
      await others.growTo(count);
      const grown = (await settledMemory(server)) - before;
      const times = await timeCommits(watching, writer, `watched beside ${count}`);
      const median = quantile(times, 0.5);
      rows.push({
        "other subscriptions": count,
        "commit → client, median ms": median,
        "p95 ms": quantile(times, 0.95),
        "ratio to fewest": medianBeside === 0 ? 1 : median / medianBeside,
        "KiB each": count === most ? (grown * 1_024) / (count - had) : "",
      });
      medianBeside ||= median;
    }
  } finally {
    await Promise.all([watching.close(), others.close()]);
  }
  table(
    `Live queries (${COMMITS} commits that each touch one subscription; ${ROWS_PER_LIST} rows in each list)`,
    rows,
  );
}

/** Subscriptions to lists that nobody writes to, over several connections. */
class Others {
  count = 0;
  private readonly clients: ConvexClient[] = [];

  constructor(private readonly url: string) {}

  async growTo(count: number): Promise<void> {
    const loaded: Promise<void>[] = [];
    for (; this.count < count; this.count++) {
      if (this.count % SUBSCRIPTIONS_PER_CLIENT === 0) {
        this.clients.push(new ConvexClient(this.url, { logger: false }));
      }
      const args = { list: `list ${this.count}` };
      const client = this.clients.at(-1);
      loaded.push(
        new Promise((resolve) => {
          client?.onUpdate(list, args, () => {
            resolve();
          });
        }),
      );
    }
    await Promise.all(loaded);
  }

  async close(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.close()));
  }
}

/** Milliseconds from the sending of a mutation by one client to its arrival at another. */
async function timeCommits(
  watching: ConvexClient,
  writer: ConvexHttpClient,
  name: string,
): Promise<number[]> {
  let arrived: (count: number) => void = () => undefined;
  const loaded = new Promise<void>((resolve) => {
    watching.onUpdate(list, { list: name }, (rows) => {
      resolve();
      arrived(rows.length);
    });
  });
  await loaded;
  const times: number[] = [];
  for (let count = 1; count <= COMMITS; count++) {
    const came = new Promise<void>((resolve) => {
      arrived = (rows) => {
        if (rows === count) resolve();
      };
    });
    const startedAt = performance.now();
    const committed = writer.mutation(add, { list: name, text: `row ${count}` });
    await came;
    times.push(performance.now() - startedAt);
    await committed;
  }
  return times;
}

/** The process's own memory in MiB, when it no longer falls. */
async function settledMemory(server: MeasuredServer): Promise<number> {
  let least = Infinity;
  for (let unchanged = 0; unchanged < 5; unchanged++) {
    await new Promise((resolve) => setTimeout(resolve, 400));
    const { own } = await server.memory();
    if (own < least - 0.5) unchanged = 0;
    least = Math.min(least, own);
  }
  return least;
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}
