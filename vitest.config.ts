import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    server: { deps: { inline: ["convex-test"] } },
    env: { RATE_LIMIT_FACTOR: "1" },
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
