import { expect } from "vitest";
import type { Fixture } from "./backend";

export type Data = Record<string, unknown> & { id: string };
type Method = "GET" | "POST" | "PATCH" | "DELETE";

export type Asking = {
  /** The status, and what is answered or why not. */
  ask: (method: Method, path: string, body?: object) => Promise<[number, Data]>;
  /** What is answered, which must be good. */
  given: (method: Method, path: string, body?: object) => Promise<Data>;
};

/** Requests of the organization's key that are about one record each. */
export function askingOf(home: () => Fixture): Asking {
  const ask: Asking["ask"] = async (method, path, body) => {
    const answer = await home().request(method, path, body ? { body } : {});
    return [answer.status, (answer.body?.data ?? answer.body?.error) as unknown as Data];
  };
  const given: Asking["given"] = async (method, path, body) => {
    const [status, data] = await ask(method, path, body);
    expect(status, JSON.stringify(data)).toBeLessThan(300);
    return data;
  };
  return { ask, given };
}
