/**
 * The demo organization of a first start. Its secrets are shown once and kept in `demo.json`; a
 * note in the database says how far that got, so that a crash at any moment leaves either a demo
 * with its file or a start that makes one anew.
 */
import { randomBytes } from "node:crypto";
import path from "node:path";
import type { JSONValue } from "convex/values";
import type { Database, Transaction } from "./database/types";
import type { Urls } from "./environment";
import { messageOf, Problem } from "./problem";
import { newRequestId } from "./runtime/call";
import type { Host } from "./runtime/host";
import { readIfThere, writePrivately } from "./secrets";

export type Demo = Urls & {
  organizationId: string;
  apiKey: string;
  staff: { email: string; password: string; sessionToken: string };
};

const BOOTSTRAP = "bootstrap:default";
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
  const entry = host.functions.find(BOOTSTRAP);
  // A file that was deleted on purpose is not made again.
  if (noted === "made" || entry === undefined) return null;

  await note(host.database, "begun");
  // A demo whose making was cut off has taken the plain address.
  const email =
    noted === null ? "owner@demo.example" : `owner-${randomBytes(3).toString("hex")}@demo.example`;
  const password = randomBytes(12).toString("base64url");
  const args = { organization: "Demo Studio", email, name: "Demo Owner", password };
  const request = {
    requestId: newRequestId(),
    ip: null,
    userAgent: null,
    scheduledFunctionId: null,
  };
  if (entry.kind !== "action" && entry.kind !== "mutation") {
    throw new Problem(`${BOOTSTRAP} must be an internal action`);
  }
  let result: JSONValue;
  try {
    result = JSON.parse(await host.run(entry.kind, BOOTSTRAP, args, request, "all")) as JSONValue;
  } catch (error) {
    throw new Problem(
      `the demo organization could not be made: ${messageOf(error)}; --no-demo starts without`,
    );
  }
  const demo = { ...madeBy(result), ...urls };
  await writePrivately(file, print(demo));
  await note(host.database, "made");
  return demo;
}

function madeBy(result: JSONValue): Omit<Demo, keyof Urls> {
  const made = result as Partial<Demo> | null;
  const { organizationId, apiKey, staff } = made ?? {};
  if (typeof organizationId !== "string" || typeof apiKey !== "string" || staff === undefined) {
    throw new Problem(`${BOOTSTRAP} did not return { organizationId, apiKey, staff }`);
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
