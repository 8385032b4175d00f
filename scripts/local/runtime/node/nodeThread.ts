/**
 * Runs the actions of `"use node"` modules in one thread of their own, so that what is slow there (a
 * password's hash, a PDF) holds up nothing else. The thread is started by the first of them; should it
 * die, the actions under way fail and the next one starts another. What an action asks of its host is
 * answered here, in the context of its call.
 */
import path from "node:path";
import { Worker } from "node:worker_threads";
import { messageOf } from "../../problem";
import { NODE_THREAD_FILE, type Bundle, type BundledModule } from "../bundle";
import { type Call, calls } from "../call";
import { FunctionFailure, Refusal } from "../errors";
import type { Environment } from "../globals";
import { writeFromFunction } from "../log";
import type { FunctionDescription } from "../registered";
import { asyncSyscall, jsSyscall } from "../syscalls";
import type { FromNode, ThrownInNode, ToNode } from "./messages";

/** Convex's limit for an action in Node. Nothing but the end of the thread can stop its code. */
const LIMIT_MS = 10 * 60_000;

type Request = {
  call: Call | undefined;
  resolve: (result: string) => void;
  reject: (error: unknown) => void;
};

export class NodeThread {
  private worker: Worker | null = null;
  private readonly requests = new Map<number, Request>();
  private lastRequest = 0;
  private closed = false;

  constructor(
    private readonly bundle: Bundle,
    private environment: Environment,
    private readonly limitMs = LIMIT_MS,
  ) {}

  /** The functions of a module. @throws what the module throws while it is loaded */
  async describe({ path: module, file }: BundledModule): Promise<FunctionDescription[]> {
    const text = await this.ask(undefined, (id) => ({ type: "describe", id, module, file }));
    return JSON.parse(text) as FunctionDescription[];
  }

  /** Runs an action for the call that is current. */
  async run(
    { path: module, file }: BundledModule,
    name: string,
    argsText: string,
  ): Promise<string> {
    const overdue = setTimeout(() => {
      this.end(`${name} has run for more than ${this.limitMs / 1_000}s`);
    }, this.limitMs).unref();
    try {
      return await this.ask(calls.getStore(), (id) => ({
        type: "run",
        id,
        module,
        file,
        name,
        argsText,
      }));
    } finally {
      clearTimeout(overdue);
    }
  }

  /** Holds from the next action on. */
  setEnvironment(environment: Environment): void {
    this.environment = environment;
    const message: ToNode = { type: "environment", environment };
    this.worker?.postMessage(message);
  }

  async close(): Promise<void> {
    this.closed = true;
    const { worker } = this;
    this.end("the deployment is stopping");
    await worker?.terminate();
  }

  private ask(call: Call | undefined, message: (id: number) => ToNode): Promise<string> {
    if (this.closed) throw new Refusal("Node actions have ended: the deployment is stopping");
    const id = ++this.lastRequest;
    return new Promise((resolve, reject) => {
      this.requests.set(id, { call, resolve, reject });
      this.worker ??= this.start();
      this.worker.postMessage(message(id));
    });
  }

  private start(): Worker {
    const worker = new Worker(path.join(this.bundle.folder, NODE_THREAD_FILE), {
      env: this.environment,
      // Not the flags of this process: the thread needs no TypeScript.
      execArgv: [],
    });
    worker.on("message", (message: FromNode) => {
      this.hear(worker, message);
    });
    worker.on("error", (error) => {
      if (this.worker === worker) this.end(messageOf(error));
    });
    worker.on("exit", (code) => {
      if (this.worker === worker) this.end(`exit code ${code}`);
    });
    return worker;
  }

  private hear(worker: Worker, message: FromNode): void {
    if (message.type === "log") {
      const call = message.id === undefined ? undefined : this.requests.get(message.id)?.call;
      writeFromFunction(message.level, message.line, call);
      return;
    }
    const request = this.requests.get(message.id);
    if (message.type === "operation") {
      void this.operate(request?.call, message).then((answer) => {
        worker.postMessage(answer);
      });
      return;
    }
    this.requests.delete(message.id);
    if (message.type === "done") request?.resolve(message.result);
    else request?.reject(failureOf(message.failure));
  }

  private async operate(
    call: Call | undefined,
    { operation, op, args }: FromNode & { type: "operation" },
  ): Promise<ToNode> {
    try {
      if (call === undefined) throw new Refusal(`${op} was asked for after the action's end`);
      const result = await calls.run(call, () =>
        typeof args === "string" ? asyncSyscall(op, args) : jsSyscall(op, args),
      );
      return { type: "operationDone", operation, result };
    } catch (error) {
      const data = error instanceof FunctionFailure ? error.data : undefined;
      return { type: "operationFailed", operation, message: messageOf(error), data };
    }
  }

  /** Fails what is under way; the next action starts a thread anew. */
  private end(why: string): void {
    const { worker } = this;
    this.worker = null;
    for (const { reject } of this.requests.values()) {
      reject(new Refusal(`The thread of Node actions ended while this one ran (${why})`));
    }
    this.requests.clear();
    void worker?.terminate();
  }
}

function failureOf({ message, bare, stack, data }: ThrownInNode): FunctionFailure {
  const thrown = new Error(bare);
  thrown.stack = stack;
  return new FunctionFailure(message, thrown, data, false);
}
