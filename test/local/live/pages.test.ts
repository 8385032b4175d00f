/** The pages of live queries stay next to each other, whatever is written between them. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeFunctionReference } from "convex/server";
import { eventually, startServer, type TestServer } from "../../helpers/server";
import { clientOf } from "../runtime/fixture";
import { FUNCTIONS, LiveClient } from "./client";
import { RawClient } from "./raw";

type Item = { n: number; text: string };
/** What the official paginating client hands to its callback. */
type Pages = { results: Item[]; status: string; loadMore: (count: number) => unknown };

const page = makeFunctionReference<"query">("items:page");

let server: TestServer;
let client: LiveClient;

beforeAll(async () => {
  server = await startServer({ functions: FUNCTIONS, flags: ["--no-demo"] });
  client = new LiveClient(server.cloudUrl);
});
afterAll(async () => {
  await client.close();
  await server.remove();
});

function follow(list: string, initialNumItems: number): { seen: Pages[]; last: () => Pages } {
  const seen: Pages[] = [];
  client.convex.onPaginatedUpdate_experimental(page, { list }, { initialNumItems }, (pages) => {
    seen.push(pages as unknown as Pages);
  });
  return {
    seen,
    last: () => seen.at(-1) ?? { results: [], status: "LoadingFirstPage", loadMore: () => false },
  };
}

function numbers({ results }: Pages): number[] {
  return results.map(({ n }) => n);
}

/** Every state shows an unbroken run of what was there: ordered, and nothing twice. */
function expectWhole(seen: Pages[], addedLater: ReadonlySet<number>): void {
  for (const pages of seen) {
    const all = numbers(pages);
    expect([...new Set(all)].sort((a, b) => a - b)).toEqual(all);
    const first = all.filter((n) => !addedLater.has(n));
    expect(first).toEqual(first.map((_, i) => i * 10));
  }
}

async function fill(list: string, count: number): Promise<void> {
  const http = clientOf(server.cloudUrl);
  for (let i = 0; i < count; i++) {
    await http.mutation("items:add", { list, n: i * 10, text: `first ${i}` });
  }
}

test("rows that come between, before and within pages show once, and none is lost", async () => {
  const list = "growing";
  await fill(list, 12);
  const { seen, last } = follow(list, 4);
  const http = clientOf(server.cloudUrl);
  const added = new Set<number>();
  const add = async (n: number): Promise<void> => {
    added.add(n);
    await http.mutation("items:add", { list, n, text: `later ${n}` });
  };
  for (let loaded = 4; loaded <= 12; loaded += 4) {
    await eventually(
      last,
      (pages) => pages.status !== "LoadingMore" && pages.results.length >= loaded,
    );
    // On the border between two pages, in front of all, and in the middle of the first.
    await Promise.all([add((loaded - 1) * 10 + 5), add(-loaded), add(5 + loaded / 100)]);
    await eventually(last, (pages) => numbers(pages).includes(-loaded));
    if (loaded < 12) last().loadMore(4);
  }
  for (let turn = 0; last().status === "CanLoadMore" && turn < 5; turn++) {
    last().loadMore(10);
    await eventually(last, ({ status }) => status !== "LoadingMore");
  }
  await eventually(last, ({ results }) => results.length === 12 + added.size);
  expect(last().status).toBe("Exhausted");
  expectWhole(
    seen.filter(({ status }) => status !== "LoadingFirstPage"),
    new Set([...added]),
  );
});

test("a page that has grown past twice its size is split without a gap", async () => {
  const list = "splitting";
  await fill(list, 6);
  const { seen, last } = follow(list, 3);
  await eventually(last, ({ results }) => results.length === 3);
  const http = clientOf(server.cloudUrl);
  const added = new Set<number>();
  for (let i = 0; i < 12; i++) {
    added.add(1 + i / 100);
    await http.mutation("items:add", { list, n: 1 + i / 100, text: "between" });
  }
  await eventually(last, ({ results }) => results.length === 15);
  expectWhole(
    seen.filter(({ results }) => results.length > 0),
    added,
  );
});

test("a client that comes back with its journal gets the page that it had, grown", async () => {
  const list = "journal";
  await fill(list, 6);
  const args = { list, paginationOpts: { numItems: 2, cursor: null } };
  const first = await RawClient.open(server.cloudUrl);
  first.subscribe("items:page", args);
  const { journal, value } = await updateOf(first);
  expect((value["page"] as Item[]).map(({ n }) => n)).toEqual([0, 10]);
  await first.close();
  await clientOf(server.cloudUrl).mutation("items:add", { list, n: 5, text: "between" });

  const again = await RawClient.open(server.cloudUrl);
  again.subscribe("items:page", args, 0, { journal });
  const resumed = await updateOf(again);
  expect((resumed.value["page"] as Item[]).map(({ n }) => n)).toEqual([0, 5, 10]);
  expect(resumed.value["continueCursor"]).toBe(value["continueCursor"]);
  await again.close();

  const fresh = await RawClient.open(server.cloudUrl);
  fresh.subscribe("items:page", args);
  expect(((await updateOf(fresh)).value["page"] as Item[]).map(({ n }) => n)).toEqual([0, 5]);
  await fresh.close();
});

type Update = { journal: string; value: Record<string, unknown> };

async function updateOf(client: RawClient): Promise<Update> {
  const { modifications } = await client.next(
    (message) => ((message["modifications"] ?? []) as unknown[]).length > 0,
  );
  return (modifications as Update[])[0] as Update;
}
