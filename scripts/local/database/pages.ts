/**
 * Reads the file of a store page by page, as LMDB (the fork in the `lmdb` package, data version 2) lays
 * it out: to see whether it is damaged before LMDB reads it, which ends the process at a page that is
 * not what it should be, and to read what is sound of a file that LMDB cannot read.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { DamageFound } from "./damage";

const MAGIC = 0xbeefc0de;
const VERSION = 2;
/** The first page can tell how large pages are only where it is read in the smallest size. */
const SMALLEST_PAGE = 512;
const HEADER = 24;
const NODE_HEADER = 8;
/** What a row whose value has pages of its own says of them. */
const OVERFLOW_NODE = 24;
const NO_PAGE = 0xffffffffffffffffn;
const BRANCH = 0x01;
const LEAF = 0x02;
const OVERFLOW = 0x04;
const KINDS = BRANCH | LEAF | OVERFLOW;
const BIG_DATA = 0x01;
const SUB_DATABASE = 0x02;
/** Of a database whose keys are numbers, as that of free pages is. */
const INTEGER_KEYS = 0x08;

type Tree = {
  name: string;
  depth: number;
  entries: number;
  root: number | null;
  isOrdered: boolean;
};
type OnDamage = (error: DamageFound) => void;
type Node = { key: Buffer; value: Buffer; flags: number };

export class PageFile {
  /** The pages that have been read since the beginning of a check, or were found to be free. */
  private readonly used = new Set<number>();

  private constructor(
    private readonly file: number,
    private readonly size: number,
    private readonly pageSize: number,
    private readonly lastPage: number,
    /** Free pages, and the list of the named databases. */
    private readonly core: readonly [free: Tree, main: Tree],
  ) {}

  /** @throws DamageFound where neither of the two first pages can be read */
  static open(path: string): PageFile {
    const file = openSync(path, "r");
    try {
      const { size } = fstatSync(file);
      const { pageSize, lastPage, core } = newestMeta(file, size);
      return new PageFile(file, size, pageSize, lastPage, core);
    } catch (error) {
      closeSync(file);
      throw error;
    }
  }

  close(): void {
    closeSync(this.file);
  }

  /** All trees of the file. @throws DamageFound where the list of them is damaged */
  trees(): Tree[] {
    const [, main] = this.core;
    const named = [...this.nodesOf(main, fail)].map(({ key, value, flags }) => {
      if ((flags & SUB_DATABASE) === 0) throw new DamageFound("the list of databases is damaged");
      return treeAt(value, 0, key.toString("latin1").replace(/\0$/, ""));
    });
    return [...this.core, ...named];
  }

  /**
   * Reads the pages of all trees, those that lead to others first, as long as `goOn` says so; true if
   * that is all of them. @throws DamageFound
   */
  check(goOn: () => boolean): boolean {
    this.used.clear();
    const trees = this.trees().map((tree) => ({ tree, leaves: this.leavesOf(tree, fail) }));
    for (const { tree, leaves } of trees) {
      let entries = 0;
      for (const page of leaves) {
        if (!goOn()) return false;
        entries += this.readLeaf(page, tree).length;
      }
      if (entries !== tree.entries) {
        throw new DamageFound(`${entries} rows are in ${tree.name}, not ${tree.entries}`);
      }
    }
    this.checkFree();
    return true;
  }

  /** A page that is listed as free is written over: none that is in use may be among them. */
  private checkFree(): void {
    const [free] = this.core;
    for (const { value } of [...this.nodesOf(free, fail)]) {
      const numbers = Array.from({ length: Math.floor(value.length / 8) }, (_, i) =>
        Number(value.readBigInt64LE(i * 8)),
      );
      const [count = 0] = numbers;
      if (count < 0 || count >= numbers.length) {
        throw new DamageFound("the list of free pages is damaged");
      }
      const rest = numbers.slice(1, count + 1);
      for (let i = 0; i < rest.length; i++) {
        // A negative number is the length of a run of pages, the next one its first page.
        const length = Math.max(1, -(rest[i] ?? 0));
        if ((rest[i] ?? 0) < 0) i++;
        if (rest[i] !== 0) this.requireFree(rest[i] ?? 0, length);
      }
    }
  }

  private requireFree(first: number, length: number): void {
    const isThere = first >= 2 && first + length - 1 <= this.lastPage;
    let page = first;
    while (isThere && page < first + length && !this.used.has(page)) this.used.add(page++);
    if (page < first + length) throw new DamageFound(`page ${page} is listed as free, and is not`);
  }

  /** The rows of a tree, but for those of damaged pages, and of the pages that these lead to. */
  *rows(name: string): Generator<{ key: string; value: string }> {
    const tree = this.trees().find((each) => each.name === name);
    if (tree === undefined) throw new DamageFound(`the database ${name} is missing`);
    for (const { key, value } of this.nodesOf(tree, () => undefined)) {
      yield { key: key.toString("latin1"), value: value.toString("utf8") };
    }
  }

  private *nodesOf(tree: Tree, onDamage: OnDamage): Generator<Node> {
    for (const page of this.leavesOf(tree, onDamage)) {
      yield* skipping(onDamage, () => this.readLeaf(page, tree)) ?? [];
    }
  }

  /** The lowest pages of a tree, of which only those above are read. */
  private leavesOf(tree: Tree, onDamage: OnDamage): number[] {
    let pages = tree.root === null ? [] : [tree.root];
    for (let height = tree.depth - 1; height > 0; height--) {
      pages = pages.flatMap((page) => skipping(onDamage, () => this.childrenOf(page, tree)) ?? []);
    }
    return pages.filter((page) => skipping(onDamage, () => this.requirePage(page)) !== null);
  }

  private childrenOf(page: number, tree: Tree): number[] {
    return this.readNodes(page, BRANCH, tree).map(({ flags, low }) => flags * 2 ** 32 + low);
  }

  private readLeaf(page: number, tree: Tree): Node[] {
    return this.readNodes(page, LEAF, tree).map(({ key, flags, low, rest }) => {
      if ((flags & BIG_DATA) === 0) return { key, flags, value: rest.subarray(0, low) };
      const [first, pages] = [rest.readBigUInt64LE(0), rest.readBigUInt64LE(16)].map(Number);
      return { key, flags, value: this.readOverflow(first ?? 0, pages ?? 0, low) };
    });
  }

  private readNodes(
    page: number,
    kind: typeof BRANCH | typeof LEAF,
    tree: Tree,
  ): { key: Buffer; flags: number; low: number; rest: Buffer }[] {
    const bytes = this.readPage(page, kind);
    const [lower, upper] = [bytes.readUInt16LE(20), bytes.readUInt16LE(22)];
    const end = this.pageSize - HEADER;
    if (lower % 2 !== 0 || lower > upper || upper > end) throw damaged(page);
    let before: Buffer | null = null;
    return Array.from({ length: lower / 2 }, (_, i) => {
      const at = bytes.readUInt16LE(HEADER + 2 * i);
      if (at < upper || at + NODE_HEADER > end) throw damaged(page);
      const node = bytes.subarray(HEADER + at);
      const low = node.readUInt32LE(0);
      const [flags, keySize] = [node.readUInt16LE(4), node.readUInt16LE(6)];
      const dataSize = kind === BRANCH ? 0 : (flags & BIG_DATA) === 0 ? low : OVERFLOW_NODE;
      if (NODE_HEADER + keySize + dataSize > node.length) throw damaged(page);
      const key = node.subarray(NODE_HEADER, NODE_HEADER + keySize);
      // The first key of a page that leads to others is not used.
      const isCompared = tree.isOrdered && (kind === LEAF || i > 0);
      if (isCompared && before !== null && before.compare(key) >= 0) throw damaged(page);
      if (isCompared) before = key;
      return { key, flags, low, rest: node.subarray(NODE_HEADER + keySize) };
    });
  }

  private readOverflow(page: number, pages: number, size: number): Buffer {
    this.readPage(page, OVERFLOW);
    this.requirePage(page + pages - 1);
    for (let next = page; next < page + pages; next++) this.used.add(next);
    if (size > pages * this.pageSize - HEADER) throw damaged(page);
    const bytes = Buffer.alloc(size);
    const read = readSync(this.file, bytes, 0, size, page * this.pageSize + HEADER);
    if (read < size) throw damaged(page);
    return bytes;
  }

  private readPage(page: number, kind: number): Buffer {
    this.requirePage(page);
    const bytes = Buffer.alloc(this.pageSize);
    readSync(this.file, bytes, 0, this.pageSize, page * this.pageSize);
    const isKind = (bytes.readUInt16LE(18) & KINDS) === kind;
    if (!isKind || bytes.readBigUInt64LE(0) !== BigInt(page)) throw damaged(page);
    this.used.add(page);
    return bytes;
  }

  private requirePage(page: number): number {
    const isThere = page <= this.lastPage && (page + 1) * this.pageSize <= this.size;
    if (page >= 2 && isThere) return page;
    throw new DamageFound(`page ${page} is beyond the end of the file`);
  }
}

/** Of the two pages that say where everything is, the one of the last commit. */
function newestMeta(file: number, size: number): Meta {
  const first = metaAt(file, 0);
  const second = first === null ? null : metaAt(file, first.pageSize);
  const metas = [first, second].filter((meta) => meta !== null);
  const [newest] = metas.sort((a, b) => Number(b.transaction - a.transaction));
  if (newest === undefined || size < 2 * newest.pageSize) {
    throw new DamageFound("the beginning of the file is not that of a store");
  }
  return newest;
}

type Meta = {
  pageSize: number;
  transaction: bigint;
  lastPage: number;
  core: readonly [free: Tree, main: Tree];
};

function metaAt(file: number, position: number): Meta | null {
  const bytes = Buffer.alloc(SMALLEST_PAGE);
  readSync(file, bytes, 0, bytes.length, position);
  const meta = bytes.subarray(HEADER);
  if (meta.readUInt32LE(0) !== MAGIC || meta.readUInt32LE(4) !== VERSION) return null;
  const [free, main] = [treeAt(meta, 24, "free pages"), treeAt(meta, 72, "databases")];
  const pageSize = meta.readUInt32LE(24);
  const isPowerOfTwo = pageSize >= SMALLEST_PAGE && (pageSize & (pageSize - 1)) === 0;
  if (!isPowerOfTwo) return null;
  const lastPage = Number(meta.readBigUInt64LE(120));
  return { pageSize, transaction: meta.readBigUInt64LE(128), lastPage, core: [free, main] };
}

/** `MDB_db`: what is said of a tree where it is listed. */
function treeAt(bytes: Buffer, at: number, name: string): Tree {
  const flags = bytes.readUInt16LE(at + 4);
  const root = bytes.readBigUInt64LE(at + 40);
  return {
    name,
    depth: bytes.readUInt16LE(at + 6),
    entries: Number(bytes.readBigUInt64LE(at + 32)),
    root: root === NO_PAGE ? null : Number(root),
    isOrdered: (flags & INTEGER_KEYS) === 0,
  };
}

function damaged(page: number): DamageFound {
  return new DamageFound(`page ${page} is damaged`);
}

function fail(error: DamageFound): never {
  throw error;
}

function skipping<Result>(onDamage: OnDamage, read: () => Result): Result | null {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof DamageFound)) throw error;
    onDamage(error);
    return null;
  }
}
