/**
 * Log lines: one JSON object a line on stdout. Lines of one turn of the event loop are written
 * together, so that a busy server makes few system calls and an idle one none.
 */
import { writeSync } from "node:fs";
import { inspect } from "node:util";
import type { Call } from "./call";
import { logLine } from "./executions";

export type Level = "debug" | "info" | "warn" | "error";
export type LogFields = { [field: string]: unknown };

let sink: (text: string) => void = (text) => {
  process.stdout.write(text);
};
let buffer = "";

/** Where lines go instead of stdout; tests read them. Gives back how to undo it. */
export function redirectLog(to: (text: string) => void): () => void {
  const before = sink;
  flushLog();
  sink = to;
  return () => {
    flushLog();
    sink = before;
  };
}

export function log(level: Level, message: string, fields?: LogFields): void {
  writeLine({ timestamp: new Date().toISOString(), level, message, ...fields });
}

function writeLine(line: LogFields): void {
  if (buffer === "") setImmediate(flushLog);
  buffer += `${stringify(line)}\n`;
}

export function stringify(line: LogFields): string {
  try {
    return JSON.stringify(line, (_key, value: unknown) =>
      typeof value === "bigint" ? value.toString() : value,
    );
  } catch {
    return JSON.stringify({ ...line, message: inspect(line) });
  }
}

export function flushLog(): void {
  const text = buffer;
  buffer = "";
  if (text !== "") sink(text);
}

/** For the end of the process, when nothing is written later: straight to the file descriptor. */
export function flushLogNow(): void {
  const text = buffer;
  buffer = "";
  if (text === "" || process.stdout.errored) return;
  writeSync(1, text);
}

/**
 * A log that cannot be written, for its reader is gone or its disk full, does not end the server, and
 * there is nowhere to write about it: a line about it would fail as well, and so on without end.
 */
export function bearLostLog(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
}

/** A line that a function wrote with `console`. */
export function logFromFunction(level: Level, args: unknown[], call: Call | undefined): void {
  writeFromFunction(level, lineOf(args), call);
}

/** A function that writes structured lines says what it means better than the host can. */
export function lineOf(args: unknown[]): LogFields {
  const [first] = args;
  const own = args.length === 1 && typeof first === "string" ? jsonObject(first) : null;
  return own ?? { message: args.map(printed).join(" ") };
}

export function writeFromFunction(level: Level, line: LogFields, call: Call | undefined): void {
  call?.writeLog(logLine(level, line));
  const context =
    call === undefined ? {} : { function: call.entry.name, requestId: call.request.requestId };
  writeLine({ timestamp: new Date().toISOString(), level, message: "", ...context, ...line });
}

function jsonObject(text: string): LogFields | null {
  if (text[0] !== "{") return null;
  try {
    return JSON.parse(text) as LogFields;
  } catch {
    return null;
  }
}

function printed(value: unknown): string {
  return typeof value === "string" ? value : inspect(value, { depth: 4, breakLength: Infinity });
}
