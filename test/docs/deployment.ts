/** A fresh `npm start` in a folder of its own, and a shell beside it. */
import { type ChildProcess, spawn } from "node:child_process";
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { eventually } from "../helpers/server";
import { type Block, promisedOutput, ROOT } from "./pages";

/** What of the project its commands ask for; none of them writes to it. */
const PARTS = ["package.json", "package-lock.json", "node_modules", "scripts", "convex"];
const SETTINGS = ["convex.json", "tsconfig.json"];

/** What readers bring themselves. */
const LOGO =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** One line for each answer that curl got: status, address, request id. */
const ANSWERED = /^curl (\d{3}) (\S+) (\S*)$/gm;
const WRITE_OUT = 'write-out = "%{stderr}\\ncurl %{http_code} %{url} %header{x-request-id}\\n"';

export type Ran = {
  code: number | null;
  output: string;
  refused: string[];
};

export class Deployment {
  private server: ChildProcess | null = null;
  private ports = { site: "3211", cloud: "3210" };

  private constructor(
    private readonly folder: string,
    private readonly environment: NodeJS.ProcessEnv,
  ) {}

  static async start(): Promise<Deployment> {
    const folder = await mkdtemp(path.join(tmpdir(), "freehold-docs-"));
    for (const part of [...PARTS, ...SETTINGS]) {
      symlinkSync(path.join(ROOT, part), path.join(folder, part));
    }
    writeFileSync(path.join(folder, "logo.png"), Buffer.from(LOGO, "base64"));
    for (const [name, extra] of [
      ["strict", "fail-with-body\n"],
      ["lenient", ""],
    ] as const) {
      mkdirSync(path.join(folder, ".test", name), { recursive: true });
      writeFileSync(path.join(folder, ".test", name, ".curlrc"), `${extra}${WRITE_OUT}\n`);
    }
    const { PATH = "", HOME } = process.env;
    const npm = PATH.split(path.delimiter).map((directory) => path.join(directory, "npm"));
    mkdirSync(path.join(folder, ".test/bin"));
    copyFileSync(path.join(ROOT, "test/docs/npm.sh"), path.join(folder, ".test/bin/npm"));
    const deployment = new Deployment(folder, {
      PATH: [path.join(folder, ".test/bin"), PATH].join(path.delimiter),
      REAL_NPM: await firstThere(npm),
      HOME,
      CI: "1",
      npm_config_update_notifier: "false",
    });
    await deployment.begin();
    return deployment;
  }

  /** As docs/troubleshooting.md has it, on free ports. */
  async begin(): Promise<void> {
    const { REAL_NPM = "npm" } = this.environment;
    const command = `"${REAL_NPM}" start | tee freehold.log`;
    const free = { FREEHOLD_SITE_PORT: "0", FREEHOLD_CLOUD_PORT: "0" };
    this.server = spawn("bash", ["-c", command], {
      cwd: this.folder,
      env: { ...this.environment, ...free },
      stdio: "ignore",
    });
    const log = await eventually(
      async () => await this.log(),
      (text) => text.includes("Freehold is ready"),
      60_000,
    );
    const [, site = "", cloud = ""] = /ready.*?:(\d+),.*?:(\d+)/.exec(log) ?? [];
    this.ports = { site, cloud };
  }

  async stop(): Promise<void> {
    const { server } = this;
    this.server = null;
    if (server === null) return;
    const ended = new Promise((resolve) => server.on("close", resolve));
    const pid = await readFile(path.join(this.folder, ".freehold/server.pid"), "utf8");
    process.kill(Number(pid), "SIGTERM");
    await ended;
    await rm(path.join(this.folder, "freehold.log"));
  }

  async remove(): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  /**
   * Runs a block as it stands, but for the ports; what the blocks before it have set stays set on its
   * page. Every request that was answered is in the server's log when it comes back.
   */
  async run(block: Block): Promise<Ran> {
    const isRefused = promisedOutput(block).some((part) => part.includes('"code":'));
    const state = path.join(this.folder, ".test", block.page.replaceAll("/", "-"));
    const script = [
      `set -eo pipefail; [ ! -f "${state}" ] || . "${state}"; set -au`,
      `CURL_HOME="${path.join(this.folder, ".test", isRefused ? "lenient" : "strict")}"`,
      this.withPorts(block.text),
      `{ export -p; declare -f; } > "${state}"`,
    ].join("\n");
    const { code, stdout, stderr } = await this.bash(script);
    const answers = [...stderr.matchAll(ANSWERED)];
    const ids = answers.map(([, , , id = ""]) => id).filter((id) => id !== "");
    if (this.server !== null) {
      await eventually(
        async () => await this.log(),
        (log) => ids.every((id) => log.includes(id)),
      );
    }
    const refused = answers.filter(([, status]) => Number(status) >= 400).map(([answer]) => answer);
    return { code, output: `${stdout}\n${stderr}`, refused: isRefused ? [] : refused };
  }

  private async log(): Promise<string> {
    return await readFile(path.join(this.folder, "freehold.log"), "utf8").catch(() => "");
  }

  private withPorts(text: string): string {
    const { site, cloud } = this.ports;
    return text
      .replaceAll("127.0.0.1:3211", `127.0.0.1:${site}`)
      .replaceAll("127.0.0.1:3210", `127.0.0.1:${cloud}`);
  }

  private async bash(
    script: string,
  ): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const child = spawn("bash", ["-c", script], {
      cwd: this.folder,
      env: this.environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const output = { stdout: "", stderr: "" };
    child.stdout.on("data", (chunk: Buffer) => (output.stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output.stderr += chunk.toString()));
    const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
    return { code, ...output };
  }
}

async function firstThere(files: string[]): Promise<string> {
  for (const file of files) {
    if ((await readFile(file).catch(() => null)) !== null) return file;
  }
  throw new Error("There is no npm.");
}
