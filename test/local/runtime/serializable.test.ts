// @vitest-environment node
/**
 * Random mutations at the same time: what each of them read and returned, and what is there in the
 * end, is what running them one by one in the order of their commits gives; a query that runs
 * meanwhile sees what was there after one of them. A failure prints a seed and a path; with
 * `SERIAL_SEED` and `SERIAL_PATH` it is found again. `SERIAL_RUNS` asks for more.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { JSONValue } from "convex/values";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Deployment, startDeployment } from "../../../scripts/local/deployment";
import { requestOfHost } from "../../../scripts/local/runtime/call";
import { ConflictError } from "../../../scripts/local/runtime/conflicts";
import { FunctionFailure } from "../../../scripts/local/runtime/errors";
import { Model } from "./serial/model";
import { type Outcome, type Program, type Step, TABLES, WORDS } from "./serial/program";

const FUNCTIONS = fileURLToPath(new URL("./serial/convex", import.meta.url));
const RUNS = Number(process.env["SERIAL_RUNS"] ?? 30);

let data: string;
let deployment: Deployment;
beforeAll(async () => {
  data = await mkdtemp(path.join(tmpdir(), "freehold-serial-"));
  const ports = { sitePort: 0, cloudPort: 0 };
  deployment = await startDeployment({ data, functions: FUNCTIONS, demo: false, ...ports });
});
afterAll(async () => {
  await deployment.stop();
  await rm(data, { recursive: true, force: true });
});

// Few keys, so that programs meet.
const key = fc.nat(4);
const table = fc.constantFrom(...TABLES);
const word = fc.constantFrom(...WORDS);
const span = fc
  .record({ table, low: key, length: fc.nat(4) })
  .map(({ table, low, length }) => ({ table, low, high: low + length }));
const kind = <Name extends string>(name: Name): { do: fc.Arbitrary<Name> } => ({
  do: fc.constant(name),
});
const plainStep: fc.Arbitrary<Step> = fc.oneof(
  span.map((range) => ({ do: "read" as const, ...range })),
  fc.record({ ...kind("search"), table, word }),
  fc.record({ ...kind("count"), table }),
  fc.record({ ...kind("insert"), table, key, word }),
  fc.record({ ...kind("insert"), table, key, word }),
  fc.record({ ...kind("sum"), table, key, of: span }),
  fc.record({ ...kind("sum"), table, key, of: span }),
  fc.record({ ...kind("move"), table, key, to: key, word }),
  fc.record({ ...kind("remove"), table, key }),
);
const steps = fc.array(plainStep, { minLength: 1, maxLength: 4 });
const nestedStep = (inner: fc.Arbitrary<Step[]>): fc.Arbitrary<Step> =>
  fc.record({ ...kind("nested"), program: programOf(inner, 0.5) });
function programOf(inner: fc.Arbitrary<Step[]>, failing: number): fc.Arbitrary<Program> {
  const fails = fc.nat(99).map((n) => n < 100 * failing);
  return fc.record({ label: fc.constant(""), steps: inner, fails });
}
const nested = nestedStep(fc.array(fc.oneof(plainStep, nestedStep(steps)), { maxLength: 4 }));
const program = programOf(
  fc.array(fc.oneof({ weight: 4, arbitrary: plainStep }, { weight: 1, arbitrary: nested }), {
    minLength: 1,
    maxLength: 6,
  }),
  0.1,
);
const history = fc.record({
  initial: steps,
  /** Each with the turns of the event loop that it waits before it starts. */
  programs: fc.array(fc.tuple(program, fc.nat(6)), { minLength: 2, maxLength: 12 }),
  queries: fc.array(fc.nat(8), { maxLength: 6 }),
  dice: fc.nat(),
});
type History = typeof history extends fc.Arbitrary<infer T> ? T : never;

/** Labels by place, so that each row can be told by who inserted it. */
function labelled(program: Program, label: string): Program {
  const steps = program.steps.map((step, i) =>
    step.do === "nested" ? { ...step, program: labelled(step.program, `${label}.${i}`) } : step,
  );
  return { ...program, label, steps };
}

type Committed = { program: Program; outcome: Outcome; ts: bigint };
type Failed = { program: Program; saw: JSONValue };

async function mutate(program: Program): Promise<{ outcome: Outcome; ts: bigint }> {
  const args = { program } as unknown as JSONValue;
  const { entry, argsText } = deployment.host.prepare("mutation", "programs:run", args, "all");
  const { value, commitTs } = await deployment.host.runMutation(entry, argsText, requestOfHost());
  return { outcome: JSON.parse(value) as Outcome, ts: commitTs };
}
const call = async (kind: "query" | "mutation", name: string): Promise<unknown> =>
  JSON.parse(await deployment.host.run(kind, name, {}, requestOfHost(), "all"));

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(setImmediate);
}

/** Park and Miller's generator: the dice of a history are thrown the same way again. */
function dice(seed: number): () => number {
  let state = (seed % 2147483646) + 1;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

async function runConcurrently(
  { initial, programs, queries, dice: seed }: History,
  conflicts: number,
): Promise<void> {
  const { host } = deployment;
  host.injectConflicts(0);
  await call("mutation", "programs:clear");
  const first = labelled({ label: "", steps: initial, fails: false }, "initial");
  await mutate(first);
  host.injectConflicts(conflicts, dice(seed));

  const committed: Committed[] = [];
  const failed: Failed[] = [];
  const seen: { state: unknown; after: Committed[] }[] = [];
  const mutations = programs.map(async ([unlabelled, wait], i) => {
    const program = labelled(unlabelled, String(i));
    await turns(wait);
    try {
      const { outcome, ts } = await mutate(program);
      committed.push({ program, outcome, ts });
    } catch (error) {
      if (error instanceof ConflictError) return;
      if (!(error instanceof FunctionFailure) || error.data === undefined) throw error;
      failed.push({ program, saw: error.data });
    }
  });
  const reading = queries.map(async (wait) => {
    await turns(wait);
    const after = [...committed];
    seen.push({ state: await call("query", "programs:state"), after });
  });
  await Promise.all([...mutations, ...reading]);
  const end = await call("query", "programs:state");

  // One that wrote nothing has the timestamp of the commit before it.
  committed.sort((a, b) =>
    a.ts === b.ts ? Number(b.outcome.wrote) - Number(a.outcome.wrote) : a.ts < b.ts ? -1 : 1,
  );
  const model = new Model();
  await model.run(first);
  const prefixes = [model.copy()];
  for (const { program, outcome } of committed) {
    expect(await model.run(program)).toEqual(outcome);
    prefixes.push(model.copy());
  }
  expect(end).toEqual(await model.state());

  const states = await Promise.all(prefixes.map((prefix) => prefix.state()));
  for (const { state, after } of seen) {
    // What was acknowledged before the query began is in what it saw.
    const least = Math.max(0, ...after.map((one) => committed.indexOf(one) + 1));
    expect(states.slice(least)).toContainEqual(state);
  }
  for (const { program, saw } of failed) {
    const outcomes = await Promise.all(prefixes.map((prefix) => prefix.copy().run(program)));
    expect(outcomes).toContainEqual(saw);
  }
}

function parameters(): fc.Parameters<[History]> {
  const { SERIAL_SEED: seed, SERIAL_PATH: path } = process.env;
  return {
    numRuns: RUNS,
    ...(seed === undefined ? {} : { seed: Number(seed) }),
    ...(path === undefined ? {} : { path }),
  };
}

test.each([
  ["", 0],
  [", with injected conflicts", 0.4],
])(
  "mutations at the same time are as if one by one%s",
  async (_conditions, conflicts) => {
    await fc.assert(
      fc.asyncProperty(history, (one) => runConcurrently(one, conflicts)),
      parameters(),
    );
  },
  120_000,
);
