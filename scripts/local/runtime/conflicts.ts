/**
 * Injected conflicts. Here mutations run one by one and never conflict; on Convex they do, and
 * after a few retries the caller gets an error. This switch makes that happen here, so that what
 * an app does then can be tested.
 */
import { Refusal } from "./errors";

/** A first run and three retries. */
const ATTEMPTS = 4;

export class InjectedConflict extends Error {
  readonly table: string | null;

  constructor(table: string | null) {
    super("injected conflict");
    this.table = table;
  }
}

/** A mutation conflicted on every attempt: rolled back, so that it may be run again. */
export class ConflictError extends Refusal {
  constructor(table: string | null) {
    const what = table === null ? "some table" : `the "${table}" table`;
    super(
      `Documents read from or written to ${what} changed while this mutation was being run and on every subsequent retry. See https://docs.convex.dev/error#1`,
    );
  }
}

export type ConflictInjection = { probability: number; strikes: () => boolean };

/** `random` decides each time; tests pass their own. */
export function conflictInjection(probability: number, random = Math.random): ConflictInjection {
  return { probability, strikes: () => probability > 0 && random() < probability };
}

/** Runs a transaction again when a conflict has rolled it back; the last conflict is thrown. */
export function withConflicts<T>(injection: ConflictInjection, run: () => Promise<T>): Promise<T> {
  return injection.probability === 0 ? run() : retried(run);
}

async function retried<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof InjectedConflict)) throw error;
      if (attempt === ATTEMPTS) throw new ConflictError(error.table);
    }
  }
}
