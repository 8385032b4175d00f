/** Runs an HTTP action; its call stays open until its answer has been written. */
import { Call, type RequestInfo } from "./call";
import { FunctionFailure, functionFailure } from "./errors";
import { within } from "./execute";
import type { Host } from "./host";
import type { FunctionEntry, HttpAction } from "./modules";

export class RunningHttpAction {
  private readonly call: Call;

  constructor(
    private readonly host: Host,
    route: string,
    private readonly info: RequestInfo,
    private readonly action: HttpAction,
  ) {
    this.call = new Call(host, "httpAction", entryOf(route), info, null, null);
  }

  async answer(request: Request): Promise<Response> {
    const response = await within(this.call, () => this.action.invokeHttpAction(request));
    if (response instanceof Response) return response;
    throw new FunctionFailure(
      "Uncaught TypeError: HTTP actions must return a Response",
      response,
      undefined,
      false,
    );
  }

  /** The action threw, or its answer could not be written. */
  failed(error: unknown): void {
    this.host.logFailure(this.call.entry, this.info, functionFailure(error));
  }

  end(): void {
    this.call.finish();
  }
}

/** A route is not called by name: its entry only names it in logs. */
function entryOf(route: string): FunctionEntry {
  return {
    name: route,
    kind: "httpAction",
    isPublic: true,
    args: null,
    returns: null,
    invoke: () => Promise.reject(new Error(`${route} is called by request`)),
  };
}
