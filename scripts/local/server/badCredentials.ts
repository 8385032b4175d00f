/** How often an address may try credentials at the client API and the operator's. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { addressOf } from "./caller";
import { sendRefusal } from "./reply";
import { holderOf } from "./shares";

/** As refused strangers have at the HTTP routes. */
const PER_MINUTE = 100;
const MINUTE_MS = 60_000;

/** Counts answers 401 and 403; after a hundred a minute nothing with a credential is read any more. */
export class BadCredentials {
  private readonly refusals = new Map<string, number>();
  private windowEnds = 0;

  constructor(private readonly trustProxy: boolean) {}

  /** Whether a request may go on; else it has been answered. */
  admits(request: IncomingMessage, response: ServerResponse): boolean {
    if (request.headers.authorization === undefined) return true;
    const now = performance.now();
    if (now >= this.windowEnds) {
      this.refusals.clear();
      this.windowEnds = now + MINUTE_MS;
    }
    const holder = holderOf(addressOf(request, this.trustProxy) ?? "");
    const refused = this.refusals.get(holder) ?? 0;
    if (refused < PER_MINUTE) {
      response.once("finish", () => {
        if (response.statusCode !== 401 && response.statusCode !== 403) return;
        this.refusals.set(holder, (this.refusals.get(holder) ?? 0) + 1);
      });
      return true;
    }
    response.setHeader("Retry-After", Math.ceil((this.windowEnds - now) / 1000));
    response.setHeader("Connection", "close");
    const message = `This address has sent ${PER_MINUTE} bad credentials within a minute; try again when it is over`;
    sendRefusal(response, 429, "TooManyBadCredentials", message);
    return false;
  }
}
