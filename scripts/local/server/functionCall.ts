/** The body with which clients call a function: `{ path, args }`. */
import type { JSONValue } from "convex/values";

export type FunctionCallBody = { path: string; args: JSONValue };

export class BadRequest extends Error {}

/** @throws BadRequest */
export function parseCall(bodyText: string): FunctionCallBody {
  let body: unknown;
  try {
    body = JSON.parse(bodyText);
  } catch {
    throw new BadRequest("The request body is not JSON");
  }
  if (typeof body !== "object" || body === null || !("path" in body)) {
    throw new BadRequest("The request body needs `path`");
  }
  const { path } = body;
  if (typeof path !== "string") throw new BadRequest("`path` must be a string");
  // One object, bare or as the only entry of an array.
  const given: unknown = "args" in body ? body.args : {};
  const args: unknown = Array.isArray(given) ? (given.length === 0 ? {} : given[0]) : given;
  if (typeof args !== "object" || args === null || Array.isArray(args)) {
    throw new BadRequest("`args` must be an object, or an array of one object");
  }
  return { path, args: args as JSONValue };
}
