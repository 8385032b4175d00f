/** `npm start` for tests: a process of its own, on free ports, with a data folder of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const READY = /^Freehold is ready.*?(http:\/\/\S+?),.*?(http:\/\/\S+)/m;
const START_WITHIN_MS = 60_000;

export type ServerOptions = {
  /** Kept when the server stops; without it a new temporary folder, removed by `remove`. */
  data?: string;
  functions?: string;
  flags?: string[];
  env?: Record<string, string>;
};
export type Exit = { code: number | null; signal: NodeJS.Signals | null };
export type TestServer = {
  siteUrl: string;
  cloudUrl: string;
  data: string;
  pid: number;
  /** Everything printed so far. */
  stdout: () => string;
  stderr: () => string;
  /** Closes our end of its output: what it prints from then on has no reader. */
  stopReading(): void;
  /** The log lines so far, parsed. */
  logs(): Record<string, unknown>[];
  readJson(file: string): Promise<unknown>;
  /** SIGTERM, and the exit that follows. */
  stop(): Promise<Exit>;
  /** SIGKILL: what a power cut would leave. */
  kill(): Promise<Exit>;
  exited: Promise<Exit>;
  /** Kills it if it still runs, and removes the data folder. */
  remove(): Promise<void>;
};

export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  const data = options.data ?? (await mkdtemp(path.join(tmpdir(), "freehold-")));
  const run = spawnServer({ ...options, data });
  const ready = await Promise.race([run.printed(READY), run.exited]);
  if (!Array.isArray(ready)) {
    throw new Error(`The server ended with ${ready.code ?? ready.signal}: ${run.stderr()}`);
  }
  const [, siteUrl = "", cloudUrl = ""] = ready;
  const end = async (signal: NodeJS.Signals): Promise<Exit> => {
    run.child.kill(signal);
    return await run.exited;
  };
  return {
    siteUrl,
    cloudUrl,
    data,
    pid: run.child.pid ?? 0,
    stdout: run.stdout,
    stderr: run.stderr,
    stopReading: () => {
      run.child.stdout?.destroy();
      run.child.stderr?.destroy();
    },
    logs: () => parseLines(run.stdout()),
    readJson: async (file) => JSON.parse(await readFile(path.join(data, file), "utf8")) as unknown,
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    exited: run.exited,
    remove: async () => {
      await end("SIGKILL");
      await rm(data, { recursive: true, force: true });
    },
  };
}

/** A start that is expected to fail: what it printed and how it ended. */
export async function failToStart(
  options: ServerOptions & { data: string },
): Promise<Exit & { stderr: string; stdout: string }> {
  const run = spawnServer(options);
  const ready = await Promise.race([run.printed(READY), run.exited]);
  if (Array.isArray(ready)) {
    run.child.kill("SIGKILL");
    throw new Error("The server started");
  }
  return { ...ready, stderr: run.stderr(), stdout: run.stdout() };
}

type Run = {
  child: ChildProcess;
  exited: Promise<Exit>;
  stdout: () => string;
  stderr: () => string;
  printed(pattern: RegExp): Promise<RegExpExecArray>;
};

function spawnServer({ data = "", functions, flags = [], env = {} }: ServerOptions): Run {
  const args = [path.join(ROOT, "scripts/launch.js"), "--data", data];
  for (const [flag, value] of [
    ["--site-port", "0"],
    ["--cloud-port", "0"],
    ["--functions", functions],
  ] as const) {
    if (value !== undefined && !flags.includes(flag)) args.push(flag, value);
  }
  const child = spawn(process.execPath, [...args, ...flags], {
    cwd: ROOT,
    // Vitest's own variables would tell the server that it is being tested.
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  const waiting: { pattern: RegExp; resolve: (match: RegExpExecArray) => void }[] = [];
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
    for (const { pattern, resolve } of waiting) {
      const match = pattern.exec(stdout);
      if (match !== null) resolve(match);
    }
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const late = setTimeout(() => child.kill("SIGKILL"), START_WITHIN_MS);
  const exited = new Promise<Exit>((resolve) => {
    child.on("close", (code, signal) => {
      clearTimeout(late);
      resolve({ code, signal });
    });
  });
  return {
    child,
    exited,
    stdout: () => stdout,
    stderr: () => stderr,
    printed: (pattern) =>
      new Promise((resolve) => {
        waiting.push({
          pattern,
          resolve: (match) => {
            clearTimeout(late);
            resolve(match);
          },
        });
      }),
  };
}

/** The environment of a server whose clock goes ahead by so many milliseconds. */
export function clockAhead(milliseconds: number): Record<string, string> {
  const source = `const now = Date.now;
    globalThis.Date = class extends Date {
      constructor(...args) { super(...(args.length === 0 ? [now() + ${milliseconds}] : args)); }
      static now() { return now() + ${milliseconds}; }
    };`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(source)}` };
}

function parseLines(text: string): Record<string, unknown>[] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** Waits for a condition, asking again and again; the value is what it gave at last. */
export async function eventually<T>(
  ask: () => Promise<T> | T,
  holds: (value: T) => boolean,
  withinMs = 20_000,
): Promise<T> {
  const until = performance.now() + withinMs;
  for (;;) {
    const value = await ask();
    if (holds(value)) return value;
    if (performance.now() > until) {
      throw new Error(`Still not so after ${withinMs} ms; last: ${JSON.stringify(value)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
