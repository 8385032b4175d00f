/**
 * The inside of the processes that run the actions of `"use node"` modules. They load JavaScript
 * only, so this file is bundled beside the modules (`bundle.ts`). Modules are loaded when they are
 * first called: their packages may be large.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { pathToFileURL } from "node:url";
import { messageOf } from "../../problem";
import { consoleThat } from "../console";
import { functionFailure, Refusal } from "../errors";
import { type Level, lineOf } from "../log";
import { functionsIn, type Invoke } from "../registered";
import { received, sentArguments } from "./blobs";
import type { FromNode, OperationResult, ThrownInNode, ToNode } from "./messages";

const requests = new AsyncLocalStorage<number>();
const operations = new Map<
  number,
  { resolve(result: OperationResult): void; reject(error: Error): void }
>();
let lastOperation = 0;

function say(message: FromNode): void {
  // Nobody listens any more when the deployment has gone, and this process ends too.
  process.send?.(message, () => undefined);
}

function write(level: Level, args: unknown[]): void {
  say({ type: "log", id: requests.getStore(), level, line: lineOf(args) });
}

/** `args` is text for an async syscall, and an object for a JS one. */
async function operate(op: string, args: string | object): Promise<string | Blob | null> {
  const id = requests.getStore();
  if (id === undefined) throw new Refusal(`${op} was asked for outside of a function`);
  const operation = ++lastOperation;
  const sent = typeof args === "string" ? args : await sentArguments(args);
  const result = await new Promise<OperationResult>((resolve, reject) => {
    operations.set(operation, { resolve, reject });
    say({ type: "operation", id, operation, op, args: sent });
  });
  return result === null || typeof result === "string" ? result : received(result);
}

Object.assign(globalThis, {
  console: consoleThat(write),
  Convex: {
    asyncSyscall: operate,
    jsSyscall: operate,
    syscall: (op: string): never => {
      throw new Refusal(`${op} needs a query or a mutation`);
    },
  },
});

// What an action leaves behind unawaited must not end the actions of others.
for (const event of ["uncaughtException", "unhandledRejection"] as const) {
  process.on(event, (error: unknown) => {
    write("error", [`Not caught by any action: ${stackOf(error)}`]);
  });
}

// A terminal and a service manager signal all processes at once; the deployment ends this one itself.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => undefined);
process.on("disconnect", () => process.exit());

process.on("message", (message: ToNode) => {
  switch (message.type) {
    case "ping":
      void answerPing();
      return;
    case "describe":
      answer(message.id, async () =>
        JSON.stringify((await load(message)).map(({ description }) => description)),
      );
      return;
    case "run":
      answer(message.id, async () => await (await invokerOf(message))(message.argsText));
      return;
    case "environment":
      for (const name of Object.keys(process.env)) Reflect.deleteProperty(process.env, name);
      Object.assign(process.env, message.environment);
      return;
    case "operationDone":
      settle(message.operation)?.resolve(message.result);
      return;
    case "operationFailed": {
      const { operation, data } = message;
      settle(operation)?.reject(Object.assign(new Error(message.message), { data }));
    }
  }
});

function answer(id: number, run: () => Promise<string>): void {
  requests.run(id, run).then(
    (result) => {
      say({ type: "done", id, result });
    },
    (error: unknown) => {
      say({ type: "failed", id, failure: thrown(error) });
    },
  );
}

async function load(module: {
  module: string;
  file: string;
}): Promise<ReturnType<typeof functionsIn>> {
  const importing = import(pathToFileURL(module.file).href);
  loading.add(importing);
  try {
    return functionsIn(module.module, (await importing) as Record<string, unknown>);
  } finally {
    loading.delete(importing);
  }
}

/** Modules that are being loaded for an action that has not begun. */
const loading = new Set<Promise<unknown>>();

/** Whoever pings wants to know whether this process is free: not before what it has been given has begun. */
async function answerPing(): Promise<void> {
  await Promise.allSettled(loading);
  setImmediate(() => {
    say({ type: "pong" });
  });
}

async function invokerOf(message: ToNode & { type: "run" }): Promise<Invoke> {
  const found = (await load(message)).find(({ description }) => description.name === message.name);
  if (found === undefined) throw new Refusal(`There is no ${message.name} in ${message.file}`);
  return found.invoke;
}

function settle(operation: number): ReturnType<typeof operations.get> {
  const waiting = operations.get(operation);
  operations.delete(operation);
  return waiting;
}

function thrown(error: unknown): ThrownInNode {
  const { message, data } = functionFailure(error);
  return { message, bare: messageOf(error), data, stack: stackOf(error) };
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
}
