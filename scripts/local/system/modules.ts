/** `convex function-spec`, and what `convex run` lists when it does not find a function. */
import { queryGeneric } from "convex/server";
import { v, type JSONValue } from "convex/values";
import { displayName } from "../runtime/names";
import type { FunctionEntry } from "../runtime/modules";
import { currentCall } from "./call";

type FunctionSpec = {
  /** `folder/file.js:export` */
  identifier: string;
  functionType: "Query" | "Mutation" | "Action";
  visibility: { kind: "public" | "internal" };
  args: JSONValue;
  returns: JSONValue;
};
type HttpSpec = { functionType: "HttpAction"; method: string; path: string };

const ANYTHING: JSONValue = { type: "any" };
const TYPES = { query: "Query", mutation: "Mutation", action: "Action" } as const;

export const apiSpec = queryGeneric({
  args: { componentId: v.optional(v.union(v.string(), v.null())) },
  handler: async (): Promise<(FunctionSpec | HttpSpec)[]> => {
    const { functions } = currentCall().host;
    const specs = [...functions.all()].flatMap((entry) => specOf(entry) ?? []);
    const routes = functions.router?.getRoutes() ?? [];
    return [
      ...specs,
      ...routes.map(([path, method]): HttpSpec => ({ functionType: "HttpAction", method, path })),
    ];
  },
});

function specOf({ name, kind, isPublic, args, returns }: FunctionEntry): FunctionSpec | null {
  if (kind === "httpAction") return null;
  const [path = "", key] = displayName(name).split(":");
  return {
    identifier: `${path}.js:${key ?? "default"}`,
    functionType: TYPES[kind],
    visibility: { kind: isPublic ? "public" : "internal" },
    args: args ?? ANYTHING,
    returns: returns ?? ANYTHING,
  };
}
