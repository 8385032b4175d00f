/** The app in a browser: what it hears of a person's sessions by a live query. */
import { ConvexClient } from "convex/browser";
import { makeFunctionReference } from "convex/server";
import { ConvexError } from "convex/values";

declare global {
  interface Window {
    heard: { sessions: { id: string; method: string }[][]; errors: string[] };
    listen(deployment: string, accessToken: string): void;
  }
}

window.heard = { sessions: [], errors: [] };
window.listen = (deployment, accessToken) => {
  const client = new ConvexClient(deployment, { logger: false });
  client.setAuth(() => Promise.resolve(accessToken));
  client.onUpdate(
    makeFunctionReference<"query">("sessionQueries:list"),
    {},
    (sessions: Window["heard"]["sessions"][number]) => window.heard.sessions.push(sessions),
    (error) => {
      const { code } = error instanceof ConvexError ? (error.data as { code?: string }) : {};
      window.heard.errors.push(code ?? error.message);
    },
  );
};
