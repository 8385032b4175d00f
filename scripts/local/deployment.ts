/**
 * The embedded deployment, put together: database, functions, servers, scheduler, crons. In a
 * process of its own it is started by `scripts/start.ts`; tests and benchmarks may also hold one
 * in their own process.
 */
import { access, constants, mkdir } from "node:fs/promises";
import path from "node:path";
import { type EmbeddedDatabase, openDatabase } from "./database";
import { type Demo, provideDemo } from "./demo";
import { Files } from "./files";
import { ENVIRONMENT_FILE, EnvironmentVariables, type Urls } from "./environment";
import { authentication } from "./live/authentication";
import type { LiveLimits } from "./live/limits";
import { LiveServer } from "./live/server";
import { Metrics } from "./metrics";
import { codeOf, messageOf, Problem } from "./problem";
import { Identities } from "./identity";
import { SigningKey } from "./identity/signingKey";
import { applyFunctions, Reloader } from "./reload";
import { finishReplacing, removeDrafts } from "./replaceFolder";
import { loadProviders } from "./runtime/authConfig";
import { keepOnly } from "./runtime/bundleCache";
import { shareBundle, takeShared } from "./runtime/bundleShare";
import { loadCode } from "./runtime/code";
import { installGlobals } from "./runtime/globals";
import { Host } from "./runtime/host";
import { log } from "./runtime/log";
import { findProject } from "./runtime/project";
import { installSyscalls } from "./runtime/syscalls";
import { type Clock, systemClock } from "./scheduler/clock";
import { Crons } from "./scheduler/crons";
import { Scheduler } from "./scheduler/scheduler";
import { loadAdminKey } from "./server/adminKey";
import { cloudHandler } from "./server/cloud";
import { Exports } from "./transfer/exports";
import { Imports } from "./transfer/imports";
import { listen, type ListeningServer } from "./server/listen";
import { ownSite } from "./server/ownSite";
import { Shares } from "./server/shares";
import { siteHandler } from "./server/site";
import { Turns } from "./turns";
import { FolderWatch, watchFile } from "./watch";

export type DeploymentOptions = {
  /** The folder of everything that lasts. */
  data: string;
  functions: string;
  host: string;
  /** 0 picks a free one. */
  sitePort: number;
  cloudPort: number;
  demo: boolean;
  trustProxy: boolean;
  /** Of one stored file. */
  maxFileBytes: number;
  /** Of the arguments of one call by a Convex client. */
  maxArgsBytes: number;
  /** Of both ports together; behind a trusted proxy, requests under way of one client. */
  connectionsPerAddress: number;
  /** The probability that a mutation meets a conflict, for tests. */
  conflicts: number;
  /** Whether the functions are taken anew whenever they are saved. */
  watch: boolean;
  clock?: Clock;
  /** Of a query's or mutation's own code: more than Convex allows, for tests on a busy machine. */
  ownTimeLimitMs?: number;
  /** Of live queries, where tests must not wait for what takes long. */
  liveLimits?: Partial<LiveLimits>;
};

export const DEFAULTS: DeploymentOptions = {
  data: ".freehold",
  functions: "convex",
  host: "127.0.0.1",
  sitePort: 3211,
  cloudPort: 3210,
  demo: true,
  trustProxy: false,
  maxFileBytes: 2 ** 30,
  maxArgsBytes: 2 ** 20,
  connectionsPerAddress: 256,
  conflicts: 0,
  watch: false,
};

export type Deployment = Urls & {
  host: Host;
  live: LiveServer;
  /** Set by the start that made it. */
  demo: Demo | null;
  /** Ends cleanly: no new connections or jobs, answers and jobs under way finished. */
  stop(): Promise<void>;
};

const DEPLOYMENT_NAME = "local-freehold";
/** For how long answers and jobs under way may hold up the end. */
const GRACE_MS = 5_000;

export async function startDeployment(given: Partial<DeploymentOptions>): Promise<Deployment> {
  const options = { ...DEFAULTS, ...given };
  const data = path.resolve(options.data);
  if (await finishReplacing(data))
    log("info", `The restore of ${data} that was cut off is complete`);
  await prepareFolder(data);
  await removeDrafts(data);
  const toClose: (() => Promise<void>)[] = [];
  try {
    return await assemble(options, data, toClose);
  } catch (error) {
    for (const close of toClose.reverse()) await close().catch(() => undefined);
    throw error;
  }
}

async function assemble(
  options: DeploymentOptions,
  data: string,
  toClose: (() => Promise<void>)[],
): Promise<Deployment> {
  const database = await openFolder(path.join(data, "database"));
  toClose.push(() => database.close());
  const { trustProxy, maxArgsBytes, connectionsPerAddress: perAddress } = options;
  const shares = new Shares({ perAddress, trustProxy });
  const site = await listen(options.host, options.sitePort, "site-port", shares);
  toClose.push(() => site.close(0));
  const cloud = await listen(options.host, options.cloudPort, "cloud-port", shares);
  toClose.push(() => cloud.close(0));
  const urls = { siteUrl: site.url, cloudUrl: cloud.url };

  const { root } = findProject(options.functions);
  const turns = new Turns();
  const variables = await EnvironmentVariables.load(database, turns, root, data, urls);
  installGlobals(() => variables.current);
  installSyscalls();
  const bundles = path.join(data, "functions");
  await takeShared(options.functions, bundles);
  const code = await loadCode(options.functions, bundles, variables.current);
  toClose.push(() => code.pool.close());
  await applyFunctions(database, code.functions, () => undefined);
  await keepOnly(bundles, [code.bundle.folder]);
  await shareBundle(code.bundle);
  const signingKey = await SigningKey.open(data, variables.current["CONVEX_CLOUD_URL"] ?? "");
  const files = await Files.open({ database, data, maxBytes: options.maxFileBytes });
  toClose.push(() => files.close());
  const host = new Host({
    database,
    files,
    signingKey,
    code,
    environment: variables.current,
    deploymentName: DEPLOYMENT_NAME,
    tableName: database.tableName,
    ownTimeLimitMs: options.ownTimeLimitMs,
  });
  const siteUrl = (): string => variables.current["CONVEX_SITE_URL"] ?? site.url;
  const identities = new Identities(code.providers, ownSite(host, siteUrl));
  const exports = await Exports.open(database, files, data);
  const imports = await Imports.open(database, files, data);
  const adminKey = await loadAdminKey(data, DEPLOYMENT_NAME);
  const demo = options.demo ? await provideDemo(host, data, urls) : null;

  host.injectConflicts(options.conflicts);

  const clock = options.clock ?? systemClock;
  const scheduler = new Scheduler(host, clock);
  const crons = new Crons(host, clock);
  await scheduler.start();
  await crons.start();
  const reloader = new Reloader({
    functions: options.functions,
    bundles,
    database,
    host,
    crons,
    environment: () => variables.current,
    turns,
  });
  site.serve(siteHandler({ host, identities, trustProxy, siteUrl: site.url }));
  const live = new LiveServer({
    host,
    authentication: authentication(adminKey, identities),
    trustProxy,
    limits: { messageBytes: 2 * maxArgsBytes, ...options.liveLimits },
  });
  variables.checkWith(async (next) => {
    const providers = await loadProviders(host.code.bundle, next);
    return () => {
      host.environment = next;
      host.code.pool.setEnvironment(next);
      identities.use(providers);
      live.subscriptions.invalidateAll();
    };
  });
  host.onReload(() => {
    identities.use(host.code.providers);
    live.subscriptions.invalidateAll();
  });
  const watching = options.watch ? await watchProject(options.functions, reloader, variables) : [];
  const metrics = new Metrics({ host, scheduler, live, data });
  cloud.serve(
    cloudHandler({
      ...{ host, identities, variables, exports, imports, adminKey, metrics, trustProxy },
      maxArgsBytes,
    }),
  );
  cloud.serveUpgrades((request, socket, head) => {
    live.upgrade(request, socket, head);
  });
  return {
    ...urls,
    host,
    live,
    demo,
    stop: stopper([site, cloud, live], [scheduler, crons], async () => {
      for (const watch of watching) watch.close();
      await reloader.stop();
      await host.code.pool.close();
      await exports.close();
      await imports.close();
      await files.close();
      await database.close();
    }),
  };
}

function stopper(
  servers: Pick<ListeningServer, "close">[],
  workers: { stop(): Promise<void> }[],
  closeRest: () => Promise<void>,
): () => Promise<void> {
  let stopping: Promise<void> | null = null;
  const stop = async (): Promise<void> => {
    const jobs = Promise.all(workers.map((worker) => worker.stop()));
    const closing = servers.map((server) => server.close(GRACE_MS));
    await Promise.all([...closing, orAfter(jobs, GRACE_MS)]);
    await closeRest();
  };
  return () => (stopping ??= stop());
}

/** A job that does not end in time is as one that a crash cut off: safe, and settled at the next start. */
async function orAfter(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}

/** What the database has to say about a folder (locked, foreign, newer) is for the person to act on. */
async function openFolder(folder: string): Promise<EmbeddedDatabase> {
  try {
    return await openDatabase({ path: folder });
  } catch (error) {
    throw new Problem(messageOf(error));
  }
}

async function watchProject(
  functions: string,
  reloader: Reloader,
  variables: EnvironmentVariables,
): Promise<{ close(): void }[]> {
  const file = path.join(findProject(functions).root, ENVIRONMENT_FILE);
  const reread = async (): Promise<void> => {
    await variables.reread().catch((error: unknown) => {
      log("error", `${file} is not taken, the variables stay as they were: ${messageOf(error)}`);
    });
  };
  const watching = [
    await FolderWatch.open(path.resolve(functions), () => void reloader.reload()),
    watchFile(file, () => void reread()),
  ];
  // What was saved while the deployment came up.
  await reread();
  await reloader.reload();
  return watching;
}

async function prepareFolder(data: string): Promise<void> {
  try {
    await mkdir(data, { recursive: true, mode: 0o700 });
    await access(data, constants.W_OK | constants.X_OK);
  } catch (error) {
    const why = codeOf(error) ?? messageOf(error);
    throw new Problem(
      `cannot write to the data folder ${data} (${why}); choose another with --data`,
    );
  }
}
