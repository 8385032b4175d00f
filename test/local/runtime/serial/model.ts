/** The tables as plain lists in the order of insertion, on which programs run one by one. */
import {
  interpret,
  type Outcome,
  type Program,
  type Row,
  type Rows,
  type Span,
  type State,
  stateOf,
  type Stored,
  type Table,
  type Word,
} from "./program";

type Lists = Record<Table, Row[]>;

export class Model implements Rows<Row> {
  private lists: Lists = { left: [], right: [] };

  /** A program that fails has done nothing; its outcome tells what it saw. */
  async run(program: Program): Promise<Outcome> {
    return (await this.nested(program)).outcome;
  }

  async state(): Promise<State> {
    return await stateOf(this);
  }

  async nested(program: Program): Promise<{ outcome: Outcome; failed: boolean }> {
    const before = structuredClone(this.lists);
    const outcome = await interpret(program, this);
    if (program.fails) this.lists = before;
    return { outcome, failed: program.fails };
  }

  copy(): Model {
    const copy = new Model();
    copy.lists = structuredClone(this.lists);
    return copy;
  }

  range({ table, low, high }: Span): Promise<Stored<Row>[]> {
    const rows = this.lists[table].filter(({ key }) => key >= low && key <= high);
    return resolved(rows.sort((a, b) => a.key - b.key).map((row) => ({ ...row, id: row })));
  }
  search(table: Table, word: Word): Promise<Row[]> {
    return resolved(this.lists[table].filter(({ text }) => text === word));
  }
  count(table: Table): Promise<number> {
    return resolved(this.lists[table].length);
  }
  get(table: Table, id: Row): Promise<Row | null> {
    return resolved(this.lists[table].includes(id) ? id : null);
  }
  insert(table: Table, row: Row): Promise<void> {
    this.lists[table].push(row);
    return resolved(undefined);
  }
  patch(_table: Table, id: Row, change: Partial<Row>): Promise<void> {
    Object.assign(id, change);
    return resolved(undefined);
  }
  remove(table: Table, id: Row): Promise<void> {
    this.lists[table] = this.lists[table].filter((row) => row !== id);
    return resolved(undefined);
  }
}

const resolved = <T>(value: T): Promise<T> => Promise.resolve(value);
