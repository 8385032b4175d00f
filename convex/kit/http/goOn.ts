import type { RequestInput } from "../input";
import type { Reply } from "../reply";

/** Of some hundred documents each, half a minute's worth: a client goes on from there itself. */
const MAX_PAGES = 1000;

/**
 * The last of the answers that a query gives page by page: each one's `data.next`, until it is null,
 * is the `cursor` of the page after it, and carries what was found so far.
 */
export async function goOn(
  request: RequestInput,
  first: Reply,
  ask: (request: RequestInput) => Promise<Reply>,
): Promise<Reply> {
  const others = request.query.filter(([name]) => name !== "cursor");
  let reply = first;
  for (let pages = 1; pages < MAX_PAGES; pages++) {
    const { next } = JSON.parse(reply.data) as { next: string | null };
    if (next === null) return reply;
    reply = await ask({ ...request, query: [...others, ["cursor", next]] });
  }
  return reply;
}
