/**
 * One thread of Node actions, seen from the deployment's. What an action asks of its host is answered
 * here, in the context of its call. A thread that has ended stays ended; the pool starts others.
 */
import path from "node:path";
import { Worker } from "node:worker_threads";
import { messageOf } from "../../problem";
import type { Bundle } from "../bundle";
import { type Call, calls } from "../call";
import { FunctionFailure, Refusal } from "../errors";
import { NODE_THREAD_FILE } from "../esbuild";
import type { Environment } from "../globals";
import { writeFromFunction } from "../log";
import { asyncSyscall, jsSyscall } from "../syscalls";
import type { FromNode, ThrownInNode, ToNode } from "./messages";

type Request = {
  call: Call | undefined;
  resolve: (result: string) => void;
  reject: (error: unknown) => void;
};

let lastRequest = 0;

export class NodeWorker {
  private readonly worker: Worker;
  private readonly requests = new Map<number, Request>();
  private readonly pings: ((answered: boolean) => void)[] = [];
  private ended = false;

  constructor(
    bundle: Bundle,
    environment: Environment,
    memoryMib: number,
    private readonly onEnd: (worker: NodeWorker) => void,
  ) {
    this.worker = new Worker(path.join(bundle.folder, NODE_THREAD_FILE), {
      env: environment,
      // Not the flags of this process: the thread needs no TypeScript.
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: memoryMib },
    });
    this.worker.on("message", (message: FromNode) => {
      this.hear(message);
    });
    this.worker.on("error", (error) => {
      this.end(messageOf(error));
    });
    this.worker.on("exit", (code) => {
      this.end(`exit code ${code}`);
    });
  }

  /** How many actions it has not answered yet. */
  get running(): number {
    return this.requests.size;
  }

  ask(call: Call | undefined, message: (id: number) => ToNode): Promise<string> {
    const id = ++lastRequest;
    return new Promise((resolve, reject) => {
      this.requests.set(id, { call, resolve, reject });
      this.say(message(id));
    });
  }

  /** Holds from the next action on. */
  setEnvironment(environment: Environment): void {
    this.say({ type: "environment", environment });
  }

  /** True as soon as the thread answers, so not before its code lets go of it; false if it ends. */
  ping(): Promise<boolean> {
    if (this.ended) return Promise.resolve(false);
    return new Promise((resolve) => {
      this.pings.push(resolve);
      this.say({ type: "ping" });
    });
  }

  /** Fails what is under way, with that reason. */
  end(why: string): void {
    if (this.ended) return;
    this.ended = true;
    for (const { reject } of this.requests.values()) {
      reject(new Refusal(`The thread of Node actions ended while this one ran (${why})`));
    }
    this.requests.clear();
    for (const answer of this.pings.splice(0)) answer(false);
    void this.worker.terminate();
    this.onEnd(this);
  }

  /** Resolves when the thread is gone. */
  async terminated(): Promise<void> {
    await this.worker.terminate();
  }

  private say(message: ToNode): void {
    this.worker.postMessage(message);
  }

  private hear(message: FromNode): void {
    switch (message.type) {
      case "pong":
        this.pings.shift()?.(true);
        return;
      case "log": {
        const call = message.id === undefined ? undefined : this.requests.get(message.id)?.call;
        writeFromFunction(message.level, message.line, call);
        return;
      }
      case "operation":
        void this.operate(this.requests.get(message.id)?.call, message).then((answer) => {
          this.say(answer);
        });
        return;
    }
    const request = this.requests.get(message.id);
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
}

function failureOf({ message, bare, stack, data }: ThrownInNode): FunctionFailure {
  const thrown = new Error(bare);
  thrown.stack = stack;
  return new FunctionFailure(message, thrown, data, false);
}
