/** A server under measurement: a process of its own, its output in a file. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const START_WITHIN_MS = 120_000;

export type MeasuredServer = {
  url: string;
  cloudUrl: string;
  data: string;
  pid: number;
  /** Milliseconds from spawn to ready. */
  startedIn: number;
  /** Lines printed so far. */
  lines(): Promise<string[]>;
  /** Memory in MiB: all that is resident, and what of it is the process's own (not mapped files). */
  memory(): Promise<{ resident: number; own: number }>;
  stop(): Promise<void>;
};

/** Starts a script with `--data`; it is ready when it prints a line that begins as `readyLine`. */
export async function startScript(
  script: string,
  options: { data?: string; flags?: string[]; env?: Record<string, string>; readyLine: string },
): Promise<MeasuredServer> {
  const data = options.data ?? (await mkdtemp(path.join(tmpdir(), "freehold-bench-")));
  const log = await open(`${data}.log`, "w");
  const runtime = script.endsWith(".ts") ? ["--import", "tsx"] : [];
  const startedAt = performance.now();
  const child = spawn(
    process.execPath,
    [...runtime, script, "--data", data, ...(options.flags ?? [])],
    { cwd: ROOT, stdio: ["ignore", log.fd, log.fd], env: { ...process.env, ...options.env } },
  );
  const text = async (): Promise<string> => await readFile(`${data}.log`, "utf8");
  const ready = await waitFor(child, async () =>
    (await text()).split("\n").find((line) => line.startsWith(options.readyLine)),
  );
  const [url = "", cloudUrl = ""] = ready.match(/http:\/\/[\w.:]+/g) ?? [];
  return {
    url,
    cloudUrl,
    data,
    pid: child.pid ?? 0,
    startedIn: performance.now() - startedAt,
    lines: async () => (await text()).split("\n"),
    memory: async () => await residentMemory(child),
    stop: async () => {
      child.kill("SIGTERM");
      await waitForExit(child);
      await log.close();
    },
  };
}

/** Freehold itself, with rate limits out of the way. */
export async function startFreehold(
  options: { data?: string; flags?: string[]; env?: Record<string, string> } = {},
): Promise<MeasuredServer> {
  return await startScript("scripts/launch.js", {
    ...options,
    flags: ["--site-port", "0", "--cloud-port", "0", ...(options.flags ?? [])],
    env: { RATE_LIMIT_FACTOR: "1000000", ...options.env },
    readyLine: "Freehold is ready",
  });
}

export async function removeData(server: MeasuredServer): Promise<void> {
  await rm(server.data, { recursive: true, force: true });
  await rm(`${server.data}.log`, { force: true });
}

async function waitFor(
  child: ChildProcess,
  find: () => Promise<string | undefined>,
): Promise<string> {
  const deadline = performance.now() + START_WITHIN_MS;
  while (performance.now() < deadline) {
    const found = await find();
    if (found !== undefined) return found;
    if (child.exitCode !== null) throw new Error(`The server ended with ${child.exitCode}.`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("The server was not ready in time.");
}

async function waitForExit(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((resolve) => child.once("exit", resolve));
}

async function residentMemory(child: ChildProcess): Promise<{ resident: number; own: number }> {
  const status = await readFile(`/proc/${child.pid ?? 0}/status`, "utf8").catch(() => "");
  const mebibytes = (field: string): number =>
    Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1] ?? Number.NaN) / 1024;
  return { resident: mebibytes("VmRSS"), own: mebibytes("RssAnon") };
}
