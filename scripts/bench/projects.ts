/** Projects created at once in one organization and year: what their gapless codes cost. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { Client } from "./load";
import { type Row, step, table } from "./report";
import { type MeasuredServer, removeData, startFreehold } from "./server";

const AT_ONCE = 50;
const ROUNDS = 5;

/** 50 concurrent creations, also while three in ten commits conflict, as on a busy Convex. */
export async function benchProjects(): Promise<void> {
  const rows: Row[] = [];
  for (const conflicts of ["0", "0.3"]) {
    step(`projects: ${AT_ONCE} at once, ${conflicts} of the commits conflict`);
    const server = await startFreehold({ flags: ["--inject-conflicts", conflicts] });
    rows.push(await measure(server, conflicts));
    await server.stop();
    await removeData(server);
  }
  table(`${AT_ONCE} projects created at once, ${ROUNDS} times`, rows);
}

async function measure(server: MeasuredServer, conflicts: string): Promise<Row> {
  const client = new Client(`${server.url}/api/v1`, await demoKey(server));
  const times: number[] = [];
  const codes: string[] = [];
  const startedAt = performance.now();
  for (let round = 0; round < ROUNDS; round++) {
    const creations = Array.from({ length: AT_ONCE }, async () => {
      const before = performance.now();
      codes.push(await createProject(client));
      times.push(performance.now() - before);
    });
    await Promise.all(creations);
  }
  const seconds = (performance.now() - startedAt) / 1000;
  client.close();
  times.sort((a, b) => a - b);
  return {
    conflicts,
    "projects/s": codes.length / seconds,
    "p50, ms": times[Math.floor(times.length * 0.5)] ?? 0,
    "p95, ms": times[Math.floor(times.length * 0.95)] ?? 0,
    consecutive: areConsecutive(codes) ? "yes" : "NO",
  };
}

async function createProject(client: Client): Promise<string> {
  const body = { subtype: "internal", name: "Bench" };
  const answer = await client.json({ method: "POST", path: "/projects", body });
  const { data } = answer as { data: { customProperties: { projectCode: string } } };
  return data.customProperties.projectCode;
}

function areConsecutive(codes: readonly string[]): boolean {
  const serials = codes.map((code) => Number(code.split("-").at(-1))).sort((a, b) => a - b);
  return serials.every((serial, index) => serial === index + 1);
}

async function demoKey(server: MeasuredServer): Promise<string> {
  const demo = JSON.parse(await readFile(path.join(server.data, "demo.json"), "utf8")) as {
    apiKey: string;
  };
  return demo.apiKey;
}
