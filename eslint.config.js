import js from "@eslint/js";
import tseslint from "typescript-eslint";

/** Tables that only their owner writes; everything else goes through it. */
const OWNED_TABLES =
  "objects|objectLinks|objectMatchKeys|auditLogs|events|counts|countDeltas|tombstones|syncHorizons";
const DATABASE_WRITE =
  "CallExpression[callee.object.property.name='db'][callee.property.name=/^(insert|patch|replace|delete)$/]";

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
  {
    files: ["convex/**/*.ts"],
    rules: {
      "no-restricted-syntax": [
        "error",
        {
          selector: `${DATABASE_WRITE}[arguments.0.value=/^(${OWNED_TABLES})$/]`,
          message: "Only the ontology store writes business objects and what belongs to them.",
        },
        {
          selector: `${DATABASE_WRITE}:not([arguments.0.type='Literal'])`,
          message: "Name the table in every write, so that the rule about owned tables can see it.",
        },
      ],
    },
  },
  {
    files: [
      "convex/ontology/{store,links,matchKeys,effects,counts,history}.ts",
      "convex/maintenance.ts",
    ],
    rules: { "no-restricted-syntax": "off" },
  },
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
  { files: ["*.js"], ...tseslint.configs.disableTypeChecked },
);
