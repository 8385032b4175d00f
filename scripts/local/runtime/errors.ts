/**
 * The three ways in which a call fails: a function threw (`FunctionFailure`), the host refused
 * (`Refusal`), or a client may learn no more than that something went wrong (`publicError`).
 */
import type { JSONValue } from "convex/values";
import { messageOf } from "../problem";

/** The host will not do what a function or a caller asked; the message says why. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  /** True where the text tells a client only what it sent itself. */
  readonly forClients: boolean;

  constructor(message: string, options?: { forClients: boolean }) {
    super(message);
    this.forClients = options?.forClients ?? false;
  }
}

/** What a function threw, as the next function up and the log see it. */
export class FunctionFailure extends Error {
  override readonly name = "FunctionFailure";
  /** The data of a ConvexError: read by the `convex` package to make one again for the caller. */
  readonly data: JSONValue | undefined;
  /** What was thrown, for its stack. */
  readonly thrown: unknown;
  readonly forClients: boolean;

  constructor(message: string, thrown: unknown, data: JSONValue | undefined, forClients: boolean) {
    super(message);
    this.thrown = thrown;
    this.data = data;
    this.forClients = forClients;
  }
}

const CONVEX_ERROR = Symbol.for("ConvexError");

/** Whatever came out of a function's promise, as a failure of that function. */
export function functionFailure(thrown: unknown): FunctionFailure {
  if (thrown instanceof FunctionFailure) return thrown;
  if (thrown instanceof Refusal) {
    return new FunctionFailure(thrown.message, thrown, undefined, thrown.forClients);
  }
  return new FunctionFailure(
    `Uncaught ${describe(thrown)}`,
    thrown,
    convexErrorData(thrown),
    false,
  );
}

/**
 * The `convex` package prints the data of a ConvexError that leaves a function as JSON; one that
 * is thrown while a response streams still has the value itself.
 */
function convexErrorData(thrown: unknown): JSONValue | undefined {
  if (typeof thrown !== "object" || thrown === null || !(CONVEX_ERROR in thrown)) return undefined;
  const data: unknown = "data" in thrown ? thrown.data : null;
  if (typeof data !== "string") return null;
  try {
    return JSON.parse(data) as JSONValue;
  } catch {
    return data;
  }
}

function describe(thrown: unknown): string {
  if (!(thrown instanceof Error)) return messageOf(thrown);
  return thrown.message === "" ? thrown.name : `${thrown.name}: ${thrown.message}`;
}

export type PublicError = { message: string; data: JSONValue | undefined };

/** What a client may see: the data of a ConvexError and a refusal of its own input, else nothing. */
export function publicError(error: unknown, requestId: string): PublicError {
  const generic = `[Request ID: ${requestId}] Server Error`;
  if (error instanceof Refusal || error instanceof FunctionFailure) {
    const data = error instanceof FunctionFailure ? error.data : undefined;
    return { message: error.forClients ? `${generic}\n${error.message}` : generic, data };
  }
  return { message: generic, data: undefined };
}
