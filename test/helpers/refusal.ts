import { type ErrorData, errorDataOf } from "../../convex/kit/errors";

/** The refusal that a call ends in; a success or an error that callers are not meant to see is thrown. */
export function refusal(attempt: () => unknown): ErrorData {
  try {
    attempt();
  } catch (error) {
    return dataOf(error);
  }
  throw new Error("It was not refused.");
}

/** The same of a promise. */
export async function refusalOf(attempt: Promise<unknown>): Promise<ErrorData> {
  const outcome = await attempt.then(
    () => null,
    (error: unknown) => ({ error }),
  );
  if (!outcome) throw new Error("It was not refused.");
  return dataOf(outcome.error);
}

function dataOf(error: unknown): ErrorData {
  const data = errorDataOf(error);
  if (!data) throw error;
  return data;
}
