/** The page under test: a list with an optimistic addition, and pages of another list. */
import {
  ConvexProvider,
  ConvexReactClient,
  useMutation,
  usePaginatedQuery,
  useQuery,
} from "convex/react";
import {
  makeFunctionReference,
  type PaginationOptions,
  type PaginationResult,
} from "convex/server";
import type { ReactElement } from "react";
import { createRoot } from "react-dom/client";

type Item = { n: number; text: string };
const list = makeFunctionReference<"query", { list: string }, string[]>("items:list");
const append = makeFunctionReference<"mutation", { list: string; text: string }, number>(
  "items:append",
);
const page = makeFunctionReference<
  "query",
  { list: string; paginationOpts: PaginationOptions },
  PaginationResult<Item>
>("items:page");

declare global {
  interface Window {
    /** Every state that the page has shown, in order. */
    shown: { list: string[][]; pages: number[][] };
  }
}
window.shown = { list: [], pages: [] };

function List(): ReactElement {
  const texts = useQuery(list, { list: "react" });
  const add = useMutation(append).withOptimisticUpdate((store, { text }) => {
    const known = store.getQuery(list, { list: "react" });
    if (known !== undefined) store.setQuery(list, { list: "react" }, [...known, text]);
  });
  if (texts !== undefined) window.shown.list.push(texts);
  return (
    <section>
      <ol id="list">
        {texts?.map((text) => (
          <li key={text}>{text}</li>
        ))}
      </ol>
      <button
        id="add"
        onClick={() => void add({ list: "react", text: `text ${texts?.length ?? 0}` })}
      >
        Add
      </button>
    </section>
  );
}

function Pages(): ReactElement {
  const { results, status, loadMore } = usePaginatedQuery(
    page,
    { list: "pages" },
    { initialNumItems: 5 },
  );
  window.shown.pages.push(results.map(({ n }) => n));
  return (
    <section>
      <p id="status">{status}</p>
      <ol id="pages">
        {results.map(({ n }) => (
          <li key={n}>{n}</li>
        ))}
      </ol>
      <button
        id="more"
        onClick={() => {
          loadMore(5);
        }}
      >
        More
      </button>
    </section>
  );
}

const url = new URLSearchParams(location.search).get("deployment") ?? "";
const root = document.getElementById("root");
if (root !== null) {
  createRoot(root).render(
    <ConvexProvider client={new ConvexReactClient(url)}>
      <List />
      <Pages />
    </ConvexProvider>,
  );
}
