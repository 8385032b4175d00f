/**
 * Stack traces that name the source: places in bundled files become `convex/file.ts:line:column`.
 * The maps are read when the first stack from a file has to be shown, never on a good path.
 */
import { readFileSync } from "node:fs";
import { SourceMap, type SourceMapPayload } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Bundle } from "./bundle";

const FRAME = /(file:\/\/[^\s()]+?\.mjs|\/[^\s()]+?\.mjs):(\d+):(\d+)/g;
/** Frames of the host say nothing about the function. */
const HOST_FRAME =
  /scripts\/local\/(runtime|database|server)\/|node-process\.mjs|\(node:|at (async )?node:|at new Promise/;

const maps = new Map<string, SourceMap | null>();

/** The stack of something thrown, with places in the source; only the message where it has none. */
export function mappedStack(thrown: unknown, bundle: Bundle): string {
  const stack = thrown instanceof Error ? (thrown.stack ?? String(thrown)) : String(thrown);
  const lines = stack.split("\n").filter((line) => !HOST_FRAME.test(line));
  return lines
    .map((line) =>
      line.replace(FRAME, (place, file: string, row: string, column: string) => {
        return sourcePlace(file, Number(row), Number(column), bundle) ?? place;
      }),
    )
    .join("\n");
}

/** The topmost place of a stack that lies in the project's own source. */
export function firstSourceLine(thrown: unknown, bundle: Bundle): string | undefined {
  const mapped = mappedStack(thrown, bundle);
  const functions = path.relative(bundle.project.root, bundle.project.functions);
  return mapped
    .split("\n")
    .map((line) => /\(?([^\s()]+:\d+):\d+\)?$/.exec(line)?.[1])
    .find((place) => place?.startsWith(functions + path.sep));
}

function sourcePlace(file: string, row: number, column: number, bundle: Bundle): string | null {
  const bundled = file.startsWith("file:") ? fileURLToPath(file) : file;
  const map = mapOf(bundled);
  if (map === null) return null;
  const entry = map.findEntry(row - 1, column - 1);
  if (!("originalSource" in entry)) return null;
  const source = path.resolve(path.dirname(bundled), entry.originalSource);
  const shown = path.relative(bundle.project.root, source);
  return `${shown}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
}

function mapOf(bundled: string): SourceMap | null {
  const known = maps.get(bundled);
  if (known !== undefined) return known;
  let map: SourceMap | null = null;
  try {
    map = new SourceMap(JSON.parse(readFileSync(`${bundled}.map`, "utf8")) as SourceMapPayload);
  } catch {
    // Not a file of ours, or a bundle that is no longer there: the place stays as it is.
  }
  maps.set(bundled, map);
  return map;
}
