/** What the deployment and a process of Node actions say to each other. */
import type { JSONValue } from "convex/values";
import type { Level, LogFields } from "../log";
import type { SentBlob } from "./blobs";

export type OperationResult = string | SentBlob | null;

/** To a process of Node actions. A module is named by its bundled file. */
export type ToNode =
  | { type: "ping" }
  | { type: "describe"; id: number; module: string; file: string }
  | { type: "run"; id: number; module: string; file: string; name: string; argsText: string }
  | { type: "operationDone"; operation: number; result: OperationResult }
  | { type: "environment"; environment: Readonly<Record<string, string>> }
  | { type: "operationFailed"; operation: number; message: string; data: JSONValue | undefined };

/** From it. `id` is that of the `describe` or `run` that is answered. */
export type FromNode =
  | { type: "pong" }
  | { type: "done"; id: number; result: string }
  | { type: "failed"; id: number; failure: ThrownInNode }
  | { type: "operation"; id: number; operation: number; op: string; args: string | object }
  /** Written outside of any action where there is no id. */
  | { type: "log"; id: number | undefined; level: Level; line: LogFields };

/** An error as it crosses: its class is lost, what is asked of it later is not. */
export type ThrownInNode = {
  /** As the caller sees it (`Uncaught Error: …`), and as it was thrown. */
  message: string;
  bare: string;
  stack: string;
  data: JSONValue | undefined;
};
