/** A closed-loop load over keep-alive connections, light enough to leave the server its core. */
import { Agent, request } from "node:http";

export type Call = {
  method: string;
  path: string;
  body?: unknown;
  headers?: Record<string, string>;
};
export type Answer = { status: number; body: string; headers: Record<string, unknown> };

export class Client {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 64 });

  constructor(
    private readonly url: string,
    private readonly key: string,
  ) {}

  /** @throws for an answer of 400 or more: a benchmark of refusals would measure nothing. */
  async call({ method, path, body, headers }: Call): Promise<Answer> {
    const answer = await this.send({ method, path, body, headers: headers ?? {} });
    if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`);
    return answer;
  }

  /** An answer, whatever it is: what a refusal costs is measured too. */
  async attempt({ method, path, body, headers }: Call): Promise<Answer> {
    return await this.send({ method, path, body, headers: headers ?? {} });
  }

  async json(call: Call): Promise<Record<string, unknown>> {
    return JSON.parse((await this.call(call)).body) as Record<string, unknown>;
  }

  close(): void {
    this.agent.destroy();
  }

  private async send(call: Required<Omit<Call, "body">> & { body?: unknown }): Promise<Answer> {
    const text = call.body === undefined ? undefined : JSON.stringify(call.body);
    return await new Promise((resolve, reject) => {
      const outgoing = request(
        this.url + call.path,
        {
          method: call.method,
          agent: this.agent,
          headers: {
            authorization: `Bearer ${this.key}`,
            ...(text === undefined
              ? {}
              : { "content-type": "application/json", "content-length": Buffer.byteLength(text) }),
            ...call.headers,
          },
        },
        (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
          incoming.on("error", reject);
          incoming.on("end", () => {
            const body = Buffer.concat(chunks).toString("utf8");
            resolve({ status: incoming.statusCode ?? 0, body, headers: incoming.headers });
          });
        },
      );
      outgoing.on("error", reject);
      outgoing.end(text);
    });
  }
}

/** Milliseconds of `count` calls, one after another. */
export async function latencies(
  count: number,
  call: (turn: number) => Promise<unknown>,
): Promise<number[]> {
  const times: number[] = [];
  for (let turn = 0; turn < count; turn++) {
    const before = performance.now();
    await call(turn);
    times.push(performance.now() - before);
  }
  return times;
}

/** Calls a second, kept up for `seconds` by so many at a time. */
export async function throughput(
  concurrency: number,
  seconds: number,
  call: (turn: number) => Promise<unknown>,
): Promise<number> {
  const startedAt = performance.now();
  const end = startedAt + seconds * 1000;
  let turn = 0;
  const worker = async (): Promise<void> => {
    while (performance.now() < end) await call(turn++);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return turn / ((performance.now() - startedAt) / 1000);
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}
