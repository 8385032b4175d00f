/**
 * The demo organization of a first start. Its secrets are shown once and kept in `demo.json`; a
 * note in the database says how far that got, so that a crash at any moment leaves either a demo
 * with its file or a start that completes it.
 */
import path from "node:path";
import type { JSONValue } from "convex/values";
import type { Database, Transaction } from "./database/types";
import type { Urls } from "./environment";
import { messageOf, Problem } from "./problem";
import { requestOfHost } from "./runtime/call";
import { FunctionFailure } from "./runtime/errors";
import type { Host } from "./runtime/host";
import { readIfThere, writePrivately } from "./secrets";

export type Demo = Urls & {
  organizationId: string;
  apiKey: string;
  staff: { email: string; password: string; sessionToken: string };
};

const BOOTSTRAP = "bootstrap:default";
const RECOVER = "bootstrap:recover";
const OWNER = "owner@demo.example";
const NOTES = "_runtime";
const NOTE_KEY = "demo";

/** The demo if this start made it; null if there is one already, or none is to be made. */
export async function provideDemo(host: Host, data: string, urls: Urls): Promise<Demo | null> {
  const file = path.join(data, "demo.json");
  const known = await readIfThere(file);
  if (known !== null) {
    await keepUrls(file, known, urls);
    await note(host.database, "made");
    return null;
  }
  const noted = await noteIn(host.database);
  // A file that was deleted on purpose is not made again.
  if (noted === "made" || host.functions.find(BOOTSTRAP) === undefined) return null;

  await note(host.database, "begun");
  const made = await makeDemo(host, noted === "begun");
  const demo = made === null ? null : { ...made, ...urls };
  if (demo !== null) await writePrivately(file, print(demo));
  await note(host.database, "made");
  return demo;
}

/**
 * Null where somebody has founded an organization of their own. If a crash cut an earlier making
 * off, the organization that stands in the way is the demo itself.
 */
async function makeDemo(host: Host, wasBegun: boolean): Promise<Omit<Demo, keyof Urls> | null> {
  const founder = { organization: "Demo Studio", email: OWNER, name: "Demo Owner" };
  try {
    return await credentialsFrom(host, BOOTSTRAP, founder);
  } catch (error) {
    if (codeIn(error) !== "CONFLICT") throw notMade(error);
  }
  if (!wasBegun) return null;
  try {
    return await credentialsFrom(host, RECOVER, { email: OWNER });
  } catch (error) {
    // Cut off before anything was made, and founded by somebody else since.
    if (codeIn(error) !== undefined) return null;
    throw notMade(error);
  }
}

function notMade(error: unknown): Problem {
  return new Problem(
    `the demo organization could not be made: ${messageOf(error)}; --no-demo starts without`,
  );
}

/** The code in the data of a ConvexError. */
function codeIn(error: unknown): unknown {
  const data = error instanceof FunctionFailure ? error.data : undefined;
  return typeof data === "object" && data !== null && "code" in data ? data["code"] : undefined;
}

async function credentialsFrom(
  host: Host,
  name: string,
  args: JSONValue,
): Promise<Omit<Demo, keyof Urls>> {
  const text = await host.run("action", name, args, requestOfHost(), "all");
  const made = JSON.parse(text) as Partial<Demo> | null;
  const { organizationId, apiKey, staff } = made ?? {};
  if (typeof organizationId !== "string" || typeof apiKey !== "string" || staff === undefined) {
    throw new Problem(`${name} did not return { organizationId, apiKey, staff }`);
  }
  const { email, password, sessionToken } = staff;
  return { organizationId, apiKey, staff: { email, password, sessionToken } };
}

/** The ports may differ from start to start. */
async function keepUrls(file: string, text: string, urls: Urls): Promise<void> {
  let demo: Demo;
  try {
    demo = JSON.parse(text) as Demo;
  } catch {
    throw new Problem(`${file} is not JSON; put it right, or delete it`);
  }
  if (demo.siteUrl === urls.siteUrl && demo.cloudUrl === urls.cloudUrl) return;
  await writePrivately(file, print({ ...demo, ...urls }));
}

function print(demo: Demo): string {
  return `${JSON.stringify(demo, null, 2)}\n`;
}

type Note = { _id: string; value: "begun" | "made" };

async function noteIn(database: Database): Promise<Note["value"] | null> {
  return await database.query(async (tx) => readNote(tx)?.value ?? null);
}

async function note(database: Database, value: Note["value"]): Promise<void> {
  if ((await noteIn(database)) === value) return;
  await database.mutation(async (tx) => {
    const known = readNote(tx);
    if (known === null) tx.system.insert(NOTES, { key: NOTE_KEY, value });
    else tx.system.shallowMerge(known._id, { value });
  });
}

function readNote(tx: Transaction): Note | null {
  const source = {
    type: "IndexRange" as const,
    indexName: `${NOTES}.by_key`,
    range: [{ type: "Eq" as const, fieldPath: "key", value: NOTE_KEY }],
    order: "asc" as const,
  };
  for (const text of tx.system.query({ source, operators: [] })) return JSON.parse(text) as Note;
  return null;
}
