/**
 * Small programs of reads and writes over two tables, and what running one gives. The same interpreter
 * runs them in real mutations, on `ctx`, and on the plain lists of `model.ts`.
 */
export const TABLES = ["left", "right"] as const;
export const WORDS = ["red", "green", "blue"] as const;
export type Table = (typeof TABLES)[number];
export type Word = (typeof WORDS)[number];

export type Row = { label: string; key: number; n: number; text: string };
export type Span = { table: Table; low: number; high: number };
type Place = { table: Table; key: number };

export type Step =
  | ({ do: "read" } & Span)
  | { do: "search"; table: Table; word: Word }
  | { do: "count"; table: Table }
  | ({ do: "insert"; word: Word } & Place)
  /** The first row at the place takes the sum of the span: what others write there must be seen. */
  | ({ do: "sum"; of: Span } & Place)
  | ({ do: "move"; to: number; word: Word } & Place)
  | ({ do: "remove" } & Place)
  | { do: "nested"; program: Program };
export type Program = { label: string; steps: Step[]; fails: boolean };

/** What was read, step by step, and whether anything was written that was not undone. */
export type Outcome = { read: string[]; wrote: boolean };

/** Both tables, in the order of their index. */
export type State = Record<Table, { rows: Row[]; count: number; found: Record<Word, string[]> }>;

export type Stored<Id> = Row & { id: Id };
export interface Rows<Id> {
  /** By key, both ends included; equal keys in the order of insertion. */
  range(span: Span): Promise<Stored<Id>[]>;
  search(table: Table, word: Word): Promise<Row[]>;
  count(table: Table): Promise<number>;
  get(table: Table, id: Id): Promise<Row | null>;
  insert(table: Table, row: Row): Promise<void>;
  patch(table: Table, id: Id, change: Partial<Row>): Promise<void>;
  remove(table: Table, id: Id): Promise<void>;
  /** All or nothing of it; `failed` says that it was nothing. */
  nested(program: Program): Promise<{ outcome: Outcome; failed: boolean }>;
}

export async function interpret<Id>({ label, steps }: Program, rows: Rows<Id>): Promise<Outcome> {
  const read: string[] = [];
  let wrote = false;
  const firstAt = async ({ table, key }: Place): Promise<Stored<Id> | undefined> =>
    (await rows.range({ table, low: key, high: key }))[0];

  for (const [i, step] of steps.entries()) {
    switch (step.do) {
      case "read":
        read.push(print(await rows.range(step)));
        break;
      case "search":
        read.push(labels(await rows.search(step.table, step.word)).join());
        break;
      case "count":
        read.push(String(await rows.count(step.table)));
        break;
      case "insert": {
        const { table, key, word } = step;
        await rows.insert(table, { label: `${label}.${i}`, key, n: 1, text: word });
        wrote = true;
        break;
      }
      case "nested": {
        const { outcome, failed } = await rows.nested(step.program);
        read.push(`${failed ? "failed" : "done"}(${outcome.read.join("; ")})`);
        if (!failed) wrote ||= outcome.wrote;
        break;
      }
      default: {
        const row = await firstAt(step);
        if (row === undefined) {
          read.push("nobody");
          break;
        }
        const { table } = step;
        if (step.do === "remove") await rows.remove(table, row.id);
        else await rows.patch(table, row.id, await changeOf(step, rows));
        const now = await rows.get(table, row.id);
        read.push(now === null ? `${row.label} is gone` : print([now]));
        wrote = true;
      }
    }
  }
  return { read, wrote };
}

async function changeOf<Id>(
  step: Extract<Step, { do: "sum" | "move" }>,
  rows: Rows<Id>,
): Promise<Partial<Row>> {
  if (step.do === "move") return { key: step.to, text: step.word };
  const span = await rows.range(step.of);
  return { n: span.reduce((sum, { n }) => (sum + n) % 9973, 1) };
}

export async function stateOf<Id>(
  rows: Pick<Rows<Id>, "range" | "search" | "count">,
): Promise<State> {
  const tableState = async (table: Table): Promise<State[Table]> => ({
    rows: (await rows.range({ table, low: -1, high: 99 })).map(plain),
    count: await rows.count(table),
    found: {
      red: labels(await rows.search(table, "red")),
      green: labels(await rows.search(table, "green")),
      blue: labels(await rows.search(table, "blue")),
    },
  });
  return { left: await tableState("left"), right: await tableState("right") };
}

const plain = ({ label, key, n, text }: Row): Row => ({ label, key, n, text });
const labels = (rows: Row[]): string[] => rows.map(({ label }) => label).sort();
const print = (rows: Row[]): string =>
  rows.map(({ label, key, n, text }) => `${label}@${key}=${n} ${text}`).join(", ");
