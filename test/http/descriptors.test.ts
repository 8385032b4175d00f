/** A machine that gives a process few file descriptors, as macOS and some containers do. */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { eventually } from "../helpers/server";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

test("with 256 file descriptors it starts and serves", async () => {
  const data = await mkdtemp(path.join(tmpdir(), "freehold-few-"));
  const start = ["scripts/launch.js", "--data", data, "--site-port", "0", "--cloud-port", "0"];
  const limited = ["-c", 'ulimit -n 256; exec "$0" "$@"', process.execPath, ...start, "--no-demo"];
  const child = spawn("sh", limited, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  }
  const gone = new Promise((resolve) => child.once("exit", resolve));
  try {
    await eventually(
      () => printed,
      (text) => text.includes("Freehold is ready") || child.exitCode !== null,
      90_000,
    );
    const site = /HTTP routes on (http:\S+?),/.exec(printed)?.[1];
    expect(site, printed.slice(-500)).toBeDefined();
    expect((await fetch(`${site ?? ""}/health`)).status).toBe(200);
  } finally {
    child.kill("SIGKILL");
    await gone;
    await rm(data, { recursive: true, force: true });
  }
}, 100_000);
