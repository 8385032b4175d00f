/** Accounts: what a sign-in costs beside its hash, whether it tells known from unknown, and tokens beside keys. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { hashPassword, verifyPassword } from "../../convex/accounts/hashing";
import { Client, latencies, median, throughput } from "./load";
import { type Row, step, table } from "./report";
import { type MeasuredServer, removeData, startFreehold } from "./server";

const TRIES = 200;
/** Of one e-mail before it is locked. */
const TRIES_EACH = 10;
const ROUNDS = 5;
const SECONDS = 1;
const AT_ONCE = 16;
const PASSWORD = "Lindenallee-47-Nord";

type Demo = { apiKey: string; staff: { email: string; password: string } };
type Tokens = { accessToken: string; refreshToken: string };

export async function benchAccounts(): Promise<void> {
  const server = await startFreehold();
  const demo = JSON.parse(await readFile(path.join(server.data, "demo.json"), "utf8")) as Demo;
  table(`Sign-in, medians of ${TRIES}, one after another`, await signIns(server, demo));
  table(
    `Requests a second, ${AT_ONCE} at a time, medians of ${ROUNDS} rounds in turns`,
    await tokens(server, demo),
  );
  await server.stop();
  await removeData(server);
}

async function signIns(server: MeasuredServer, demo: Demo): Promise<Row[]> {
  const client = new Client(`${server.url}/api/v1`, "");
  const login = async (email: string, password: string): Promise<void> => {
    await client.attempt({ method: "POST", path: "/auth/login", body: { email, password } });
  };
  const emails = Array.from({ length: TRIES / TRIES_EACH }, (_, i) => `person${i}@bench.example`);
  step(`accounts: ${emails.length} are registered`);
  for (const email of emails) {
    const body = { email, password: PASSWORD, name: "Bench" };
    await client.call({ method: "POST", path: "/auth/register", body });
  }
  const known = (turn: number): string => emails[turn % emails.length] ?? "";
  const nobody = (turn: number): string => `nobody${turn % emails.length}@bench.example`;
  const hash = await hashPassword(PASSWORD);
  step(`accounts: ${TRIES} sign-ins of each kind`);
  const tried = await inTurns({
    "the hash alone": () => verifyPassword("Wrong-1", hash),
    right: () => login(demo.staff.email, demo.staff.password),
    wrong: (turn) => login(known(turn), "Wrong-1"),
    unknown: (turn) => login(nobody(turn), "Wrong-1"),
  });
  // All of them have had their ten tries by now.
  const locked = await inTurns({
    locked: (turn) => login(known(turn), PASSWORD),
    "locked, unknown": (turn) => login(nobody(turn), PASSWORD),
  });
  client.close();
  const alone = tried[0]?.[1] ?? Number.NaN;
  return [...tried, ...locked].map(([name, ms]) => ({ "": name, ms, "÷ hash": ms / alone }));
}

/** The median of each, in milliseconds: measured in turns, so that a busy moment is everybody's. */
async function inTurns(
  calls: Record<string, (turn: number) => Promise<unknown>>,
): Promise<[name: string, ms: number][]> {
  const times = new Map<string, number[]>(Object.keys(calls).map((name) => [name, []]));
  for (let turn = 0; turn < TRIES; turn++) {
    for (const [name, call] of Object.entries(calls)) {
      times.get(name)?.push(...(await latencies(1, () => call(turn))));
    }
  }
  return [...times].map(([name, all]) => [name, median(all)]);
}

async function tokens(server: MeasuredServer, demo: Demo): Promise<Row[]> {
  const api = `${server.url}/api/v1`;
  const byKey = new Client(api, demo.apiKey);
  const body = { email: demo.staff.email, password: demo.staff.password };
  const signedIn = await byKey.json({ method: "POST", path: "/auth/login", body });
  const { accessToken } = signedIn["tokens"] as Tokens;
  const byAccess = new Client(api, accessToken);
  const bySession = new Client(api, String(signedIn["sessionToken"]));
  const contact = { firstName: "Ada", email: "ada@bench.example" };
  const made = await byKey.json({ method: "POST", path: "/crm/contacts", body: contact });
  const get = { method: "GET", path: `/crm/contacts/${String(made["contactId"])}` };
  const chains = await refreshing(byKey, body);
  const ways: [string, (turn: number) => Promise<unknown>][] = [
    ["GET a contact by key", () => byKey.call(get)],
    ["GET a contact by access token", () => byAccess.call(get)],
    ["GET a contact by session token", () => bySession.call(get)],
    ["refresh", chains],
  ];
  const results = new Map<string, number[]>(ways.map(([name]) => [name, []]));
  for (let round = 0; round <= ROUNDS; round++) {
    step(`accounts: requests by token and by key, round ${round} of ${ROUNDS}`);
    for (const [name, call] of ways) {
      const rate = await throughput(AT_ONCE, SECONDS, call);
      if (round > 0) results.get(name)?.push(rate);
    }
  }
  for (const client of [byKey, byAccess, bySession]) client.close();
  const [base = Number.NaN] = [...results.values()].map(median);
  return [...results].map(([name, rates]) => ({
    ...{ "": name, "requests/s": median(rates) },
    "÷ by key": median(rates) / base,
  }));
}

/** As many sessions as come at once, each of which refreshes with the token that it got last. */
async function refreshing(
  client: Client,
  body: object,
): Promise<(turn: number) => Promise<unknown>> {
  const free: string[] = [];
  for (let i = 0; i < AT_ONCE; i++) {
    const answer = await client.json({ method: "POST", path: "/auth/login", body });
    free.push((answer["tokens"] as Tokens).refreshToken);
  }
  return async () => {
    const refreshToken = free.pop() ?? "";
    const sent = { method: "POST", path: "/auth/refresh", body: { refreshToken } };
    free.push(((await client.json(sent)) as unknown as Tokens).refreshToken);
  };
}
