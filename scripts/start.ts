/** `npm start`: the deployment in a process of its own. Options by flag or by environment. */
import { rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { parseArgs, styleText } from "node:util";
import {
  DEFAULTS,
  type Deployment,
  type DeploymentOptions,
  startDeployment,
} from "./local/deployment";
import { type Repaired, repairFolder } from "./local/database/repair";
import type { Demo } from "./local/demo";
import { messageOf, Problem } from "./local/problem";
import { adminKeyOf } from "./local/server/adminKey";
import { bearLostLog, flushLogNow, log } from "./local/runtime/log";
import { watchRoutes } from "./watchRoutes";

const HELP = `Freehold on this machine: npm start -- [options]

  --data <folder>        where everything is kept             FREEHOLD_DATA        .freehold
  --site-port <port>     HTTP routes; 0 picks a free one      FREEHOLD_SITE_PORT   3211
  --cloud-port <port>    Convex client API; 0 likewise        FREEHOLD_CLOUD_PORT  3210
  --host <address>       address to listen on                 FREEHOLD_HOST        127.0.0.1
  --functions <folder>   the functions to run                 FREEHOLD_FUNCTIONS   convex
  --no-demo              make no demo organization            FREEHOLD_NO_DEMO=1
  --watch                take the functions as saved          FREEHOLD_WATCH=1
  --trust-proxy          believe X-Forwarded-* headers        FREEHOLD_TRUST_PROXY=1
  --max-file-mib <n>     size of one stored file, at most     FREEHOLD_MAX_FILE_MIB 1024
  --max-args-mib <n>     arguments of one call, 1 to 16       FREEHOLD_MAX_ARGS_MIB 1
  --connections-per-address <n> of one address, at most       FREEHOLD_CONNECTIONS_PER_ADDRESS 256
  --inject-conflicts <p> roll back mutations with that        FREEHOLD_INJECT_CONFLICTS
                         probability, for tests
  --admin-key            print the operator's key and end,
                         also while the server runs
  --repair               keep what can be read of a damaged
                         store, put the store aside, and end
  --help                 this text
`;

type Command = DeploymentOptions & { onlyAdminKey: boolean; onlyRepair: boolean };

function readOptions(): Command | "help" {
  const { values } = parse();
  if (values.help === true) return "help";
  const env = process.env;
  const setting = (flag: string | undefined, name: string, fallback: string): string =>
    flag ?? (env[name] === undefined || env[name] === "" ? fallback : env[name]);
  const isOn = (flag: boolean | undefined, name: string): boolean =>
    flag ?? ["1", "true", "yes"].includes((env[name] ?? "").toLowerCase());
  return {
    onlyAdminKey: values["admin-key"] === true,
    onlyRepair: values.repair === true,
    data: setting(values.data, "FREEHOLD_DATA", DEFAULTS.data),
    functions: setting(values.functions, "FREEHOLD_FUNCTIONS", DEFAULTS.functions),
    host: setting(values.host, "FREEHOLD_HOST", DEFAULTS.host),
    sitePort: port(setting(values["site-port"], "FREEHOLD_SITE_PORT", "3211"), "site-port"),
    cloudPort: port(setting(values["cloud-port"], "FREEHOLD_CLOUD_PORT", "3210"), "cloud-port"),
    demo: !isOn(values["no-demo"], "FREEHOLD_NO_DEMO"),
    trustProxy: isOn(values["trust-proxy"], "FREEHOLD_TRUST_PROXY"),
    maxFileBytes: mebibytes(setting(values["max-file-mib"], "FREEHOLD_MAX_FILE_MIB", "1024")),
    maxArgsBytes: argumentBytes(setting(values["max-args-mib"], "FREEHOLD_MAX_ARGS_MIB", "1")),
    connectionsPerAddress: connections(
      setting(
        values["connections-per-address"],
        "FREEHOLD_CONNECTIONS_PER_ADDRESS",
        `${DEFAULTS.connectionsPerAddress}`,
      ),
    ),
    watch: isOn(values.watch, "FREEHOLD_WATCH"),
    conflicts: probability(setting(values["inject-conflicts"], "FREEHOLD_INJECT_CONFLICTS", "0")),
  };
}

function parse() {
  try {
    return parseArgs({
      options: {
        data: { type: "string" },
        "site-port": { type: "string" },
        "cloud-port": { type: "string" },
        host: { type: "string" },
        functions: { type: "string" },
        "no-demo": { type: "boolean" },
        "trust-proxy": { type: "boolean" },
        "max-file-mib": { type: "string" },
        "max-args-mib": { type: "string" },
        "connections-per-address": { type: "string" },
        "inject-conflicts": { type: "string" },
        watch: { type: "boolean" },
        "admin-key": { type: "boolean" },
        repair: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    // Node's text goes on about positional arguments after the first sentence.
    throw new Problem(`${messageOf(error).split(". ", 1)[0] ?? ""}; see --help`);
  }
}

function port(text: string, flag: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= 65_535) return value;
  throw new Problem(`--${flag} must be a port from 0 to 65535, not "${text}"`);
}

function probability(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value <= 1) return value;
  throw new Problem(`--inject-conflicts must be a probability from 0 to 1, not "${text}"`);
}

function mebibytes(text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text) * 2 ** 20;
  throw new Problem(`--max-file-mib must be a number of MiB from 1 to 9999999, not "${text}"`);
}

function argumentBytes(text: string): number {
  if (/^([1-9]|1[0-6])$/.test(text)) return Number(text) * 2 ** 20;
  throw new Problem(`--max-args-mib must be a number of MiB from 1 to 16, not "${text}"`);
}

function connections(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new Problem(`--connections-per-address must be a number from 1 to 999999, not "${text}"`);
}

async function main(): Promise<void> {
  // Dates without a zone mean UTC, as on Convex, whatever the machine is set to.
  process.env["TZ"] = "UTC";
  const options = readOptions();
  if (options === "help") {
    process.stdout.write(HELP);
    return;
  }
  if (options.onlyAdminKey) {
    process.stdout.write(`${await adminKeyOf(path.resolve(options.data))}\n`);
    return;
  }
  if (options.onlyRepair) {
    await repair(path.join(path.resolve(options.data), "database"));
    return;
  }
  bearLostLog();
  const ended = signalled();
  // What a function leaves behind unawaited must not end the server for all.
  process.on("unhandledRejection", (reason) => {
    logLoose("Unhandled rejection", reason);
  });
  process.on("uncaughtException", (error) => {
    logLoose("Uncaught exception", error);
  });

  const deployment = await startDeployment(options);
  const pidFile = path.join(path.resolve(options.data), "server.pid");
  await writeFile(pidFile, `${process.pid}\n`).catch((error: unknown) => {
    throw new Problem(`cannot write ${pidFile}: ${messageOf(error)}`);
  });
  if (options.watch) await watchRoutes(options.functions);
  announce(deployment, options);
  await ended;
  await deployment.stop();
  await rm(pidFile, { force: true });
}

async function repair(folder: string): Promise<void> {
  const tables = await repairFolder(folder);
  for (const { table, kept, lost } of tables) {
    if (lost > 0) process.stdout.write(`${table}: ${kept} kept, ${lost} lost\n`);
  }
  const [kept, lost] = [sum(tables, "kept"), sum(tables, "lost")];
  process.stdout.write(
    `Repaired: ${kept} documents kept, ${lost} lost. The damaged store is ${folder}.before-<time>; ` +
      "npm start goes on with the repaired one. Then GET /api/v1/integrity says what does not add up.\n",
  );
}

function sum(tables: readonly Repaired[], what: "kept" | "lost"): number {
  return tables.reduce((total, table) => total + table[what], 0);
}

function signalled(): Promise<void> {
  return new Promise((resolve) => {
    process.on("SIGTERM", () => {
      resolve();
    });
    process.on("SIGINT", () => {
      resolve();
    });
  });
}

function logLoose(what: string, thrown: unknown): void {
  const stack = thrown instanceof Error ? thrown.stack : undefined;
  log("error", `${what}: ${messageOf(thrown)}`, { stack });
}

function announce({ demo, siteUrl, cloudUrl, host }: Deployment, options: DeploymentOptions): void {
  const { PORTAL_TRUST_IDS, RESEND_API_KEY, SMTP_URL, EMAIL_FROM } = host.environment;
  if (PORTAL_TRUST_IDS === "true") {
    log("warn", "PORTAL_TRUST_IDS=true: whoever knows a portal user's id is that user");
  }
  // Functions of somebody else's send their mail as they like.
  const isFreehold = host.functions.find("delivery/queue:wake") !== undefined;
  const provider = RESEND_API_KEY || SMTP_URL;
  if (isFreehold && !(provider && EMAIL_FROM)) {
    const missing = provider ? "EMAIL_FROM" : "RESEND_API_KEY or SMTP_URL";
    const where = `${siteUrl}/api/v1/notifications?channel=email`;
    log("warn", `No mail is sent: ${missing} is not set. It is kept, to be read at ${where}`);
  }
  if (demo !== null) process.stdout.write(demoText(demo, options.data));
  process.stdout.write(
    `Freehold is ready: HTTP routes on ${siteUrl}, Convex client API on ${cloudUrl}\n`,
  );
}

function demoText(demo: Demo, data: string): string {
  const mark = (text: string): string => (process.stdout.isTTY ? styleText("green", text) : text);
  const rule = mark("─".repeat(72));
  return [
    rule,
    `${mark("Demo organization")} "Demo Studio" (${demo.organizationId}), shown this once;`,
    `kept in ${path.join(data, "demo.json")}`,
    "",
    `  API key        ${demo.apiKey}`,
    `  staff e-mail   ${demo.staff.email}`,
    `  staff password ${demo.staff.password}`,
    `  staff session  ${demo.staff.sessionToken}`,
    rule,
    "",
  ].join("\n");
}

function fail(error: unknown): void {
  const known = error instanceof Problem;
  const text = known
    ? error.message
    : error instanceof Error
      ? (error.stack ?? error.message)
      : String(error);
  process.stderr.write(`freehold: ${text}\n`);
  process.exitCode = 1;
}

await main().catch(fail);
flushLogNow();
// Whatever still hangs on (a function's timer, a connection of its own) does not hold up the end.
process.exit();
