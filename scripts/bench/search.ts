/** What a full-text search costs as an organization grows, for rare and for common words. */
import { demoKey } from "./contacts";
import { Client, latencies, median } from "./load";
import { type Row, step, table } from "./report";
import { type Person, startSeeded } from "./seed";
import { removeData } from "./server";

/** Contacts that every size has alike, so that a search for them has as many hits. */
const SHARED = 20;
const SAMPLES = 100;
const WARM_UP = 50;

const SEARCHES: Record<string, string> = {
  "20 hits": "rosalind",
  "20 hits, prefix": "rosal",
  "20 hits, and a word of all": "everybody rosalind",
  "a word of all": "everybody",
  "a letter of all": "e",
  "no hit": "nobody",
};

export async function benchSearch(sizes: readonly number[]): Promise<void> {
  const rows: Row[] = [];
  for (const size of sizes) {
    step(`search: filling up to ${size.toLocaleString("en")}`);
    const server = await startSeeded(size, person);
    const client = new Client(`${server.url}/api/v1`, await demoKey(server));
    step(`search: measuring at ${size.toLocaleString("en")}`);
    const row: Row = { contacts: size };
    for (const [name, text] of Object.entries(SEARCHES)) {
      const call = (): Promise<unknown> =>
        client.call({ method: "GET", path: `/crm/contacts?search=${encodeURIComponent(text)}` });
      await latencies(WARM_UP, call);
      row[name] = median(await latencies(SAMPLES, call));
    }
    rows.push(row);
    client.close();
    await server.stop();
    await removeData(server);
  }
  table("Search, median latency in ms, one at a time (pages of 50)", rows);
  const [first, last] = [rows[0], rows.at(-1)];
  const ratios = Object.keys(SEARCHES).map((name) => [
    name,
    Number(last?.[name]) / Number(first?.[name]),
  ]);
  const title = `Search at ${last?.["contacts"]} ÷ at ${first?.["contacts"]} contacts`;
  table(title, [{ ratio: "", ...(Object.fromEntries(ratios) as Row) }]);
}

function person(index: number): Person {
  return {
    firstName: index < SHARED ? "Rosalind" : `Person${index}`,
    lastName: index < SHARED ? `Everybody ${index}` : "Everybody",
    email: `person${index}@company${index % 500}.example`,
  };
}
