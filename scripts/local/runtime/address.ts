/** How one function names another: by path, or by a handle that can be stored. */
import { Refusal } from "./errors";

export type FunctionAddress = { name?: string; functionHandle?: string; reference?: string };

export const HANDLE_PREFIX = "function://freehold/";

export function functionName(address: FunctionAddress): string {
  const { name, functionHandle, reference } = address;
  if (name !== undefined) return name;
  if (functionHandle?.startsWith(HANDLE_PREFIX) === true) {
    return decodeURIComponent(functionHandle.slice(HANDLE_PREFIX.length));
  }
  if (functionHandle !== undefined) throw new Refusal(`Invalid function handle: ${functionHandle}`);
  throw new Refusal(
    `Components are not available in this deployment yet (reference ${reference ?? "missing"})`,
  );
}
