/** What the suite asks of a host of Convex functions; `hosts/` has one file for each. */
import type {
  FunctionArgs,
  FunctionReference,
  FunctionReturnType,
  FunctionType,
  FunctionVisibility,
  UserIdentityAttributes,
} from "convex/server";

export type HostName = "convex-test" | "embedded";
export type Reference<Type extends FunctionType> = FunctionReference<Type, FunctionVisibility>;
export type Call<Type extends FunctionType> = <F extends Reference<Type>>(
  fn: F,
  args: FunctionArgs<F>,
) => Promise<FunctionReturnType<F>>;

export interface Host {
  readonly name: HostName;
  /** Public and internal functions alike, as a deployment's owner. */
  query: Call<"query">;
  mutation: Call<"mutation">;
  action: Call<"action">;
  /** The same, called by this user. */
  as(identity: UserIdentityAttributes): Pick<Host, "query" | "mutation" | "action">;
  /** A query as anybody may send it, by its path. */
  anonymousQuery(path: string, args: Record<string, unknown>): Promise<unknown>;
  /** An HTTP action, by its path. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Resolves when every scheduled function that is due has run, and those it scheduled too. */
  finishScheduled(): Promise<void>;
  /** An empty deployment for the next case. */
  reset(): Promise<void>;
  close(): Promise<void>;
}
