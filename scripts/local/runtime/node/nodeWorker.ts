/**
 * One process of Node actions, seen from the deployment's. What an action asks of its host is answered
 * here, in the context of its call. A process that has ended stays ended; the pool starts others.
 */
import { type ChildProcess, fork } from "node:child_process";
import path from "node:path";
import { messageOf } from "../../problem";
import type { Bundle } from "../bundle";
import { type Call, calls } from "../call";
import { FunctionFailure, Refusal } from "../errors";
import { NODE_PROCESS_FILE } from "../esbuild";
import type { Environment } from "../globals";
import { writeFromFunction } from "../log";
import { asyncSyscall, jsSyscall } from "../syscalls";
import { receivedArguments, sent } from "./blobs";
import type { FromNode, ThrownInNode, ToNode } from "./messages";

type Request = {
  call: Call | undefined;
  resolve: (result: string) => void;
  reject: (error: unknown) => void;
};

let lastRequest = 0;

export class NodeWorker {
  private readonly child: ChildProcess;
  private readonly gone: Promise<void>;
  private readonly requests = new Map<number, Request>();
  private readonly pings: ((answered: boolean) => void)[] = [];
  private ended = false;

  constructor(
    bundle: Bundle,
    environment: Environment,
    private readonly memoryMib: number,
    private readonly onEnd: (worker: NodeWorker) => void,
  ) {
    const { NODE_OPTIONS: _, ...variables } = processEnvironment(environment);
    this.child = fork(path.join(bundle.folder, NODE_PROCESS_FILE), {
      env: variables,
      // Not the flags of this process: the other needs no TypeScript.
      execArgv: [`--max-old-space-size=${memoryMib}`],
      serialization: "advanced",
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.child.on("message", (message: FromNode) => {
      this.hear(message);
    });
    this.gone = new Promise((resolve) => {
      this.child.once("exit", (code, signal) => {
        this.end(this.reasonOf(code, signal));
        resolve();
      });
      this.child.on("error", (error) => {
        this.end(messageOf(error));
        // One that never started does not exit either.
        if (this.child.pid === undefined) resolve();
      });
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
    this.say({ type: "environment", environment: processEnvironment(environment) });
  }

  /** True as soon as the process answers, so not before its code lets go of it; false if it ends. */
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
      reject(new Refusal(`The process of Node actions ended while this one ran (${why})`));
    }
    this.requests.clear();
    for (const answer of this.pings.splice(0)) answer(false);
    this.child.kill("SIGKILL");
    this.onEnd(this);
  }

  /** Resolves when the process is gone. */
  async terminated(): Promise<void> {
    await this.gone;
  }

  private reasonOf(code: number | null, signal: NodeJS.Signals | null): string {
    if (signal === null) return `exit code ${code ?? 0}`;
    if (signal !== "SIGABRT") return signal;
    return `aborted: native code failed, or it met its memory limit of ${this.memoryMib} MiB`;
  }

  private say(message: ToNode): void {
    // What it does not hear any more has been failed with its end.
    if (!this.ended) this.child.send(message, () => undefined);
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
        typeof args === "string" ? asyncSyscall(op, args) : jsSyscall(op, receivedArguments(args)),
      );
      const crossing = result instanceof Blob ? await sent(result) : result;
      return { type: "operationDone", operation, result: crossing };
    } catch (error) {
      const data = error instanceof FunctionFailure ? error.data : undefined;
      return { type: "operationFailed", operation, message: messageOf(error), data };
    }
  }
}

/** Dates without a zone mean UTC there too. */
function processEnvironment(environment: Environment): Record<string, string> {
  return { ...environment, TZ: "UTC" };
}

function failureOf({ message, bare, stack, data }: ThrownInNode): FunctionFailure {
  const thrown = new Error(bare);
  thrown.stack = stack;
  return new FunctionFailure(message, thrown, data, false);
}
