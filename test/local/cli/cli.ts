/** The official command line as a process of its own, pointed at a deployment. */
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { TestServer } from "../../helpers/server";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const CLI = path.join(ROOT, "node_modules/convex/bin/main.js");

export type CliResult = { code: number | null; stdout: string; stderr: string };
export type Cli = {
  /** Runs a command to its end. */
  (...args: string[]): Promise<CliResult>;
  /** Starts a command that goes on until it is stopped. */
  start(...args: string[]): RunningCli;
};
export type RunningCli = {
  stdout: () => string;
  stop(): Promise<void>;
};

/** Nothing of the machine's own settings, and no reports to anyone: `CI` turns them off. */
function environment(url: string, adminKey: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env["PATH"],
    HOME: process.env["HOME"],
    CI: "1",
    CONVEX_SELF_HOSTED_URL: url,
    CONVEX_SELF_HOSTED_ADMIN_KEY: adminKey,
  };
}

export async function cliOf(server: TestServer, adminKey?: string): Promise<Cli> {
  const key = adminKey ?? (await readFile(path.join(server.data, "admin.key"), "utf8")).trim();
  const begin = (args: string[]) => {
    const child = spawn(process.execPath, [CLI, ...args], {
      cwd: ROOT,
      env: environment(server.cloudUrl, key),
      stdio: ["ignore", "pipe", "pipe"],
    });
    const output = { stdout: "", stderr: "" };
    child.stdout.on("data", (chunk: Buffer) => (output.stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output.stderr += chunk.toString()));
    const ended = new Promise<CliResult>((resolve) => {
      child.on("close", (code) => {
        resolve({ code, ...output });
      });
    });
    return { child, output, ended };
  };
  return Object.assign((...args: string[]) => begin(args).ended, {
    start: (...args: string[]): RunningCli => {
      const { child, output, ended } = begin(args);
      return {
        stdout: () => output.stdout,
        stop: async () => {
          child.kill("SIGKILL");
          await ended;
        },
      };
    },
  });
}
