import js from "@eslint/js";
import tseslint from "typescript-eslint";

/** Tables that only these files write; everything else goes through them. */
const OWNED = [
  {
    tables: [
      "objects",
      "objectLinks",
      "objectMatchKeys",
      "events",
      "counts",
      "countDeltas",
      "tombstones",
    ],
    files: ["convex/ontology/{store,links,matchKeys,counts}.ts", "convex/maintenance.ts"],
  },
  // Inserted, and blanked when a person is erased; entries are deleted after ten years, events never here.
  { tables: ["auditLogs", "events"], files: ["convex/ontology/{effects,history}.ts"] },
  {
    tables: ["auditLogs", "auditChains"],
    files: ["convex/audit/{awaiting,sealing,forgetting}.ts"],
  },
  { tables: ["eventCursors"], files: ["convex/delivery/dispatcher.ts"] },
  {
    tables: ["notifications", "senders"],
    files: ["convex/delivery/{outbox,queue,admission,handout,settling,inbox,retention}.ts"],
  },
  { tables: ["notificationSettings"], files: ["convex/delivery/notificationSettings.ts"] },
  { tables: ["reminderRounds"], files: ["convex/delivery/reminderJobs.ts"] },
  { tables: ["suppressions"], files: ["convex/delivery/suppressions.ts"] },
  {
    tables: ["clientIds", "syncedChanges", "conflictLogs", "syncLogs"],
    files: ["convex/sync/{apply,push,conflicts,resolve}.ts"],
  },
  {
    tables: [
      ...["objects", "tombstones", "syncHorizons"],
      ...["clientIds", "syncedChanges", "conflictLogs", "syncLogs"],
    ],
    files: ["convex/sync/tombstones.ts"],
  },
  { tables: ["clerkObjects"], files: ["convex/tenants/clerkHistory.ts"] },
  { tables: ["documentFiles"], files: ["convex/delivery/documentFiles.ts"] },
  {
    tables: ["issuedDocuments"],
    files: ["convex/ontology/issuing.ts", "convex/delivery/issued.ts"],
  },
  { tables: ["sellers"], files: ["convex/ontology/sellers.ts"] },
  { tables: ["organizationLogos"], files: ["convex/delivery/logos.ts"] },
  { tables: ["attachments", "fileSweeps"], files: ["convex/attachments/*.ts"] },
  { tables: ["incomingEvents"], files: ["convex/kit/incoming.ts"] },
  { tables: ["incomingPayments"], files: ["convex/payments/matching.ts"] },
  { tables: ["paymentLinks"], files: ["convex/payments/links.ts"] },
  {
    tables: ["webhooks", "webhookQueues", "webhookDeliveries", "webhookSenders"],
    files: ["convex/delivery/webhook*.ts"],
  },
  {
    tables: ["webhookQueues", "webhookDeliveries", "incomingEvents"],
    files: ["convex/delivery/maintenance.ts"],
  },
];
const DATABASE_WRITE =
  "CallExpression[callee.object.property.name='db'][callee.property.name=/^(insert|patch|replace|delete)$/]";

/** `{ z }` is all of zod with its fifty languages, which every call on Convex would load. */
const WHOLE_ZOD = {
  selector: "ImportDeclaration[source.value='zod'] > ImportSpecifier",
  message: 'Write import * as z from "zod": a bundle then has only what is used.',
};

/** What a file of functions may not do: write to tables, but for those that are its own. */
function restrictions(own) {
  const all = new Set(OWNED.flatMap(({ tables }) => tables));
  const foreign = [...all].filter((table) => !own.includes(table));
  return {
    "no-restricted-syntax": [
      "error",
      WHOLE_ZOD,
      {
        selector: `${DATABASE_WRITE}[arguments.0.value=/^(${foreign.join("|")})$/]`,
        message: "Only its owner writes this table; see OWNED in eslint.config.js.",
      },
      {
        selector: `${DATABASE_WRITE}:not([arguments.0.type='Literal'])`,
        message: "Name the table in every write, so that the rule about owned tables can see it.",
      },
    ],
  };
}

export default tseslint.config(
  { ignores: ["convex/_generated", "test/**/_generated", "node_modules", ".freehold", "coverage"] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: { allowDefaultProject: ["eslint.config.js"] } },
    },
    rules: {
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", varsIgnorePattern: "^_" },
      ],
      "@typescript-eslint/consistent-type-imports": "error",
      // A handler's type is a promise whether or not this one awaits.
      "@typescript-eslint/require-await": "off",
      "@typescript-eslint/explicit-module-boundary-types": "error",
      // Zod's inferred unions make optional chaining look needless where data comes from outside.
      "@typescript-eslint/no-unnecessary-condition": "off",
    },
  },
  { files: ["convex/**/*.ts"], rules: restrictions([]) },
  ...OWNED.map(({ tables, files }) => ({ files, rules: restrictions(tables) })),
  {
    files: ["convex/api/**/*.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              group: ["**/ontology/ranges", "**/ontology/portalObjects"],
              message: "List by ontology/list.ts: it applies what a portal user may see.",
            },
          ],
        },
      ],
    },
  },
  {
    files: ["*.js", "scripts/**/*.js"],
    ...tseslint.configs.disableTypeChecked,
    languageOptions: {
      ...tseslint.configs.disableTypeChecked.languageOptions,
      globals: { process: "readonly", URL: "readonly" },
    },
  },
);
