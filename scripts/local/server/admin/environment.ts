/** `convex env set` and `convex env remove`. */
import * as z from "zod";
import { InvalidVariable } from "../../environmentTable";
import { Problem } from "../../problem";
import { type AdminContext, AdminRefusal, type AdminRoute, readJson } from "./context";

/** As many variables as there may be, of the largest size, with room for escapes. */
const MAX_BODY = 20 * 2 ** 20;

const changes = z.object({
  changes: z.array(
    z.object({
      name: z.string(),
      value: z
        .string()
        .nullish()
        .transform((value) => value ?? null),
    }),
  ),
});

export const environmentRoutes: AdminRoute[] = [
  {
    method: "POST",
    path: /^\/api\/update_environment_variables$/,
    handle: changeEnvironment,
  },
];

async function changeEnvironment(context: AdminContext): Promise<void> {
  const { variables, request, response } = context;
  const body = await readJson(request, changes, MAX_BODY);
  try {
    await variables.change(body.changes);
  } catch (error) {
    if (error instanceof InvalidVariable) {
      throw new AdminRefusal(400, "InvalidEnvironmentVariable", error.message);
    }
    if (error instanceof Problem) {
      const why = `This change would make the deployment's configuration invalid: ${error.message}`;
      throw new AdminRefusal(400, "InvalidAuthConfig", why);
    }
    throw error;
  }
  response.writeHead(200).end();
}
