import { convexTest, type TestConvex } from "convex-test";
import { internal } from "../../convex/_generated/api";
import schema from "../../convex/schema";

const modules = import.meta.glob(["../../convex/**/*.*s"]);

export type Backend = TestConvex<typeof schema>;

/** The functions on the official mock, with an organization in it. */
export async function newBackend(): Promise<{
  backend: Backend;
  organizationId: string;
  apiKey: string;
  sessionToken: string;
  request: (method: string, path: string, options?: RequestOptions) => Promise<Answer>;
}> {
  const backend = convexTest({ schema, modules });
  const founded = await backend.mutation(internal.tenancy.found, {
    organization: "Test Studio",
    email: "owner@studio.test",
    name: "Olga Owner",
    passwordHash: "not used here",
  });
  return { backend, ...founded, request: requester(backend, founded.apiKey) };
}

type RequestOptions = { body?: unknown; headers?: Record<string, string>; key?: string | null };
export type Answer = { status: number; body: Json; headers: Headers };
export type Json = { [field: string]: Json } & Json[] & (string & number & boolean & null);

function requester(
  backend: Backend,
  apiKey: string,
): (method: string, path: string, options?: RequestOptions) => Promise<Answer> {
  return async (method, path, { body, headers, key = apiKey } = {}) => {
    const response = await backend.fetch(`/api/v1${path}`, {
      method,
      headers: {
        ...(key === null ? {} : { Authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: (text === "" ? null : JSON.parse(text)) as Json,
    };
  };
}
