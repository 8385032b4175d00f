/** What the command line may ask and this deployment does not do, with what to do instead. */
import { AdminRefusal, type AdminRoute } from "./context";

function refusing(path: RegExp, code: string, message: string): AdminRoute {
  return {
    method: "*",
    path,
    handle: () => {
      throw new AdminRefusal(400, code, message);
    },
  };
}

export const notServedRoutes: AdminRoute[] = [
  refusing(
    /^\/api\/(deploy2\/.*|get_config.*|push_config|prepare_schema|schema_state\/.*|deploy_settings.*)$/,
    "PushNotServed",
    "This deployment runs the folder it was started with, so nothing can be pushed to it: edit " +
      "convex/ under `npm start -- --watch`, or restart it. To deploy to Convex itself, unset " +
      "CONVEX_SELF_HOSTED_URL and CONVEX_SELF_HOSTED_ADMIN_KEY.",
  ),
  refusing(
    /^\/api\/(v1\/.*|shapes2|app_metrics\/.*|check_admin_key|delete_tables)$/,
    "NotServed",
    "This deployment does not serve this. It serves `npx convex run`, `data`, `env`, `logs`, " +
      "`import`, `export` and `function-spec`.",
  ),
];
