import type { RequestInput } from "./input";

/**
 * The fields of a body, before its schema has judged it: for what is asked before the transaction, which
 * says itself what is wrong with the body. None of one that cannot be read.
 */
export function bodyFields({ body }: Pick<RequestInput, "body">): Partial<Record<string, unknown>> {
  try {
    const read: unknown = JSON.parse(body ?? "null");
    return typeof read === "object" && read !== null ? read : {};
  } catch {
    return {};
  }
}
