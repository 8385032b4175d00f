import { logLines } from "../helpers/backend";

/** How many documents the last request read, all its transactions together, as its log line says. */
export function documentsRead(): number {
  const requests = logLines().filter((entry) => typeof entry["documentsRead"] === "number");
  return Number(requests.at(-1)?.["documentsRead"]);
}
