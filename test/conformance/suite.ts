/** How a case is written, and how a host is put through all of them. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Host, HostName } from "./hosts";

export type Case = {
  name: string;
  run: (host: Host) => Promise<void>;
  /**
   * A host that does not do what Convex does, and what it does instead. The case runs on it all the
   * same and must fail there: when it no longer does, this note is out of date.
   */
  differs?: { host: HostName; why: string };
};
export type Subject = { name: string; cases: Case[] };

export const subject = (name: string, cases: Case[]): Subject => ({ name, cases });

export function runSuite(
  name: HostName,
  start: () => Host | Promise<Host>,
  subjects: Subject[],
): void {
  let host: Host;
  beforeAll(async () => {
    host = await start();
  }, 60_000);
  beforeEach(() => host.reset());
  afterAll(() => host.close());
  for (const { name: title, cases } of subjects)
    describe(title, () => {
      for (const { name: rule, run, differs } of cases)
        if (differs?.host === name)
          test.fails(`${rule} (${name} differs: ${differs.why})`, () => run(host));
        else test(rule, () => run(host));
    });
}

/**
 * The call is refused: its message, or its data where the client learns no more, says why. `mock` is
 * what convex-test says where its words differ from Convex's.
 */
export async function refused(
  host: Host,
  call: Promise<unknown>,
  message: RegExp,
  mock: RegExp = message,
): Promise<void> {
  const told = await call.then(() => expect.unreachable("The call succeeded"), reasonOf);
  expect(told).toMatch(host.name === "convex-test" ? mock : message);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const data = "data" in error ? error.data : undefined;
  return data === undefined ? error.message : `${error.message} ${JSON.stringify(data)}`;
}
