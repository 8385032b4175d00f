import { defineConfig } from "vitest/config";

/**
 * Tests that hold a deployment in their own process, which puts its globals and its syscalls there, or
 * that mock a module, which a worker shared with others has loaded before. Those of `npm start` in a
 * process of its own are like any other; `shared.ts` watches that they are.
 */
const HOSTS = [
  "test/conformance/embedded.test.ts",
  "test/local/backup/files.test.ts",
  "test/local/live/{rounds,slow}.test.ts",
  "test/local/runtime/{crons,endedJobs,nodeActions,serializable,start}.test.ts",
  "test/sync/simulation.test.ts",
];

export default defineConfig({
  test: {
    projects: [
      { extends: true, test: { name: "deployment", include: HOSTS } },
      {
        extends: true,
        test: {
          name: "functions",
          include: ["test/**/*.test.ts"],
          exclude: HOSTS,
          // To load the whole backend takes longer than most files: a worker does it once.
          isolate: false,
          setupFiles: ["test/helpers/shared.ts"],
        },
      },
    ],
    setupFiles: ["test/helpers/fresh.ts"],
    server: {
      deps: {
        inline: ["convex-test"],
        // What a host in the tests' own process has bundled: transforming it again takes longer
        // than to start the host, and Node runs it as it is.
        external: [/\/all-modules\.mjs$/],
      },
    },
    env: {
      RATE_LIMIT_FACTOR: "1",
      PAYMENT_WEBHOOK_SECRET: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
      CLERK_WEBHOOK_SECRET: "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
      STRIPE_WEBHOOK_SECRET: "whsec_stripe_test",
      STRIPE_SECRET_KEY: "sk_test_none",
      STRIPE_BASE_URL: "http://127.0.0.1:9", // nobody listens there
    },
    // How many workers there are is said by `npm test`, which uses every core where vitest leaves one to
    // itself: said here, it would hold for each project and override `--maxWorkers`.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
