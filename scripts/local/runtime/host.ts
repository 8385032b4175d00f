/**
 * The function host: runs the functions of one deployment over its database, by name, for
 * clients, for other functions and for the scheduler.
 */
import type { JSONValue } from "convex/values";
import { hasPlaceholder, resolvePlaceholders } from "../database/documents";
import type { Database, Transaction } from "../database/types";
import type { TableNames } from "../database/validate";
import type { Files } from "../files";
import type { SigningKey } from "../identity/signingKey";
import { Call, OWN_TIME_LIMIT_MS, type RequestInfo } from "./call";
import { checkArgs, checkReturn } from "./check";
import {
  type ConflictInjection,
  conflictInjection,
  InjectedConflict,
  withConflicts,
} from "./conflicts";
import { FunctionFailure, Refusal } from "./errors";
import { execute } from "./execute";
import { Executions } from "./executions";
import type { Code } from "./code";
import type { Environment } from "./globals";
import { log } from "./log";
import {
  type FunctionEntry,
  type FunctionKind,
  type Functions,
  resolveFunction,
  type Visibility,
} from "./modules";
import { mappedStack } from "./stacks";

export type HostOptions = {
  database: Database;
  code: Code;
  environment: Environment;
  deploymentName: string;
  tableName: TableNames;
  files: Files;
  signingKey: SigningKey;
  /** Of a query's or mutation's own code, in milliseconds; by default as Convex allows. */
  ownTimeLimitMs?: number | undefined;
};

export class Host {
  readonly database: Database;
  /** As it is now: `convex env set` replaces it while the deployment runs. */
  environment: Environment;
  readonly deploymentName: string;
  readonly tableName: TableNames;
  readonly files: Files;
  readonly signingKey: SigningKey;
  readonly ownTimeLimitMs: number;
  /** What ran lately, for `convex logs`. */
  readonly executions = new Executions();
  /** Told when a commit has scheduled something, with the time at which it is due. */
  onScheduled: (due: number) => void = () => undefined;
  /** Told of every attempt of a mutation that a conflict has rolled back. */
  onConflict: () => void = () => undefined;
  private currentCode: Code;
  private readonly reloadListeners = new Set<() => void>();
  /** Off until the deployment stands: it is the app that is to meet conflicts, not the start. */
  private conflicts: ConflictInjection = conflictInjection(0);

  constructor(options: HostOptions) {
    this.database = options.database;
    this.environment = options.environment;
    this.deploymentName = options.deploymentName;
    this.tableName = options.tableName;
    this.files = options.files;
    this.signingKey = options.signingKey;
    this.ownTimeLimitMs = options.ownTimeLimitMs ?? OWN_TIME_LIMIT_MS;
    this.currentCode = options.code;
  }

  get code(): Code {
    return this.currentCode;
  }

  get functions(): Functions {
    return this.currentCode.functions;
  }

  /** Takes other code for all calls that begin from now on; those under way end on theirs. */
  adopt(code: Code): void {
    this.currentCode = code;
    for (const listener of this.reloadListeners) listener();
  }

  /** Told whenever the code has been replaced; the result takes the listener away. */
  onReload(listener: () => void): () => void {
    this.reloadListeners.add(listener);
    return () => this.reloadListeners.delete(listener);
  }

  /** `random` decides each time; a test that is to be repeated passes its own. */
  injectConflicts(probability: number, random?: () => number): void {
    this.conflicts = conflictInjection(probability, random);
  }

  /** Runs a function by name; the promise is of its printed result. */
  async run(
    kind: FunctionKind,
    name: string,
    args: JSONValue,
    request: RequestInfo,
    visibility: Visibility,
  ): Promise<string> {
    const { entry, argsText } = this.prepare(kind, name, args, visibility);
    try {
      switch (kind) {
        case "query":
          return await this.database.query((tx) =>
            this.runChecked(new Call(this, kind, entry, request, tx, null), argsText),
          );
        case "mutation":
          return (await this.runMutation(entry, argsText, request)).value;
        case "action":
          return await this.runChecked(new Call(this, kind, entry, request, null, null), argsText);
      }
    } catch (error) {
      this.logFailure(entry, request, error);
      throw error;
    }
  }

  /** The function of that name, and its arguments printed; refuses what clients may not call. */
  prepare(
    kind: FunctionKind,
    name: string,
    args: JSONValue,
    visibility: Visibility,
  ): { entry: FunctionEntry; argsText: string } {
    const entry = resolveFunction(this.functions, name, kind, visibility);
    const argsText = checkArgs(entry, args, this.tableName);
    if (hasPlaceholder(argsText)) {
      throw new Refusal("The commit timestamp exists only inside the mutation that commits", {
        forClients: true,
      });
    }
    return { entry, argsText };
  }

  /** A query on the given transaction; its call tells what else the result depends on. */
  async runQuery(call: Call, argsText: string): Promise<string> {
    try {
      return await this.runChecked(call, argsText);
    } catch (error) {
      this.logFailure(call.entry, call.request, error);
      throw error;
    }
  }

  /**
   * A mutation in a transaction of its own. `before` and `after` take part in it: what they write
   * is committed with the mutation's own writes, or not at all.
   */
  async runMutation(
    entry: FunctionEntry,
    argsText: string,
    request: RequestInfo,
    around?: {
      before: (tx: Transaction) => boolean;
      after: (tx: Transaction, result: string) => void;
    },
  ): Promise<{ value: string; commitTs: bigint }> {
    let scheduledFor = Infinity;
    const stored: string[][] = [];
    const attempt = async (tx: Transaction): Promise<string> => {
      if (around?.before(tx) === false) throw new Refusal("The job has been taken back");
      const call = new Call(this, "mutation", entry, request, tx, null);
      stored.push(call.storedFiles);
      const result = await this.runChecked(call, argsText);
      around?.after(tx, result);
      scheduledFor = call.scheduledFor;
      if (this.conflicts.strikes()) {
        this.onConflict();
        throw new InjectedConflict(call.writtenTable);
      }
      return result;
    };
    let done: { value: string; commitTs: bigint };
    try {
      done = await withConflicts(this.conflicts, () => this.database.mutation(attempt));
    } finally {
      // Of attempts that were rolled back, wholly or in part, the files go too.
      const files = stored.flat();
      if (files.length > 0) await this.files.discardUnowned(files);
    }
    const { value, commitTs } = done;
    if (scheduledFor !== Infinity) this.onScheduled(scheduledFor);
    return {
      value: hasPlaceholder(value) ? resolvePlaceholders(value, commitTs) : value,
      commitTs,
    };
  }

  private async runChecked(call: Call, argsText: string): Promise<string> {
    const result = await execute(call, argsText);
    checkReturn(call.entry, result, this.tableName);
    return result;
  }

  /** A ConvexError is an answer that the app chose to give; everything else is logged whole. */
  logFailure(entry: FunctionEntry, request: RequestInfo, error: unknown): void {
    if (error instanceof FunctionFailure && error.data !== undefined) return;
    if ((error instanceof FunctionFailure || error instanceof Refusal) && error.forClients) return;
    const thrown = error instanceof FunctionFailure ? error.thrown : error;
    const message = error instanceof Error ? error.message : String(error);
    log("error", message, {
      function: entry.name,
      requestId: request.requestId,
      stack: mappedStack(thrown, this.code.bundle),
    });
  }
}
