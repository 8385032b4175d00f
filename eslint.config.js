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
    files: [
      "convex/delivery/{outbox,queue,admission,handout,settling,inbox,retention,mailJob,wakes}.ts",
    ],
  },
  { tables: ["notificationSettings"], files: ["convex/delivery/notificationSettings.ts"] },
  {
    tables: ["reminderRounds", "reminderRuns"],
    files: ["convex/delivery/{reminderJobs,reminderKind}.ts"],
  },
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
  { tables: ["incomingEvents"], files: ["convex/kit/{incoming,incomingJob}.ts"] },
  { tables: ["incomingPayments"], files: ["convex/payments/matching.ts"] },
  { tables: ["paymentLinks"], files: ["convex/payments/{links,linkJob}.ts"] },
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

/** The only file that makes rows of ids that came as text, and compares whose they are. */
const OWN = "convex/kit/own.ts";
/**
 * Ids from outside are text, and the compiler lets no text through to a row: what makes an `Id` of it, or
 * compares organizations, is therefore in one place, and a check cannot be forgotten.
 */
const IDS = [
  {
    selector: "CallExpression[callee.property.name='normalizeId']",
    message: "Read by tenant.own, own or findOwn (convex/kit/own.ts): they compare the tenant.",
  },
  {
    selector: ":matches(TSAsExpression, TSTypeAssertion) > TSTypeReference[typeName.name='Id']",
    message: "An id from outside becomes one of ours by convex/kit/own.ts alone.",
  },
  ...["MemberExpression", "ChainExpression > MemberExpression"].map((member) => ({
    selector: `BinaryExpression[operator=/^[!=]==$/]:not([right.type='Identifier'][right.name='undefined']) > ${member}[property.name='organizationId']`,
    message: "Whose a row is is compared in convex/kit/own.ts alone: use own, findOwn or isOwn.",
  })),
];

/** Where requests are read and answered: the endpoints, what they take, and the live functions. */
const SERVING = [
  "convex/api/**/*.ts",
  "convex/ontology/*Input.ts",
  "convex/*{Queries,Ontology}.ts",
];
const SERVED_ROWS = [
  {
    selector:
      "CallExpression[callee.property.name='get']:matches([callee.object.name='db'], [callee.object.property.name='db'])",
    message: "Who serves requests reads rows by ctx.tenant and ctx.store: find, require, own.",
  },
  {
    selector:
      "CallExpression:matches([callee.name='zid'], [callee.object.name='v'][callee.property.name='id']:not([arguments.0.value='organizations']))",
    message: "An id from outside is text until the tenant's reader has found its row.",
  },
];

/** Files that may read by an id without a tenant, each for what proves the id in its place. */
const OF_ANY_TENANT = [
  OWN,
  "convex/kit/caller.ts", // an organization: its memberships are looked up; a session: its access token is signed
  "convex/kit/live.ts", // the object's organization is one that the user is a member of
  "convex/kit/portalTrust.ts", // the operator's variable
  "convex/payments/deploymentOwner.ts", // the operator's variable
  "convex/payments/matching.ts", // a provider's signed event, for whichever organization's invoice
  "convex/delivery/providerEvents.ts", // a provider's signed event, with our own tag
  "convex/delivery/inbox.ts", // our own event
  "convex/comments/authors.ts", // the account that it was joined to is compared
  "convex/delivery/notificationList.ts", // an index that begins with the organization
  "convex/tenants/members.ts", // the same
  "convex/time/whose.ts", // the same
  "convex/attachments/{uploads,downloads}.ts", // a link's signature
  "convex/ontology/contactMoves.ts", // what a merge wrote down
  "convex/ontology/reader.ts", // a user: their membership is looked up
  "convex/ontology/sight.ts", // an index that begins with the organization
  "convex/accounts/avatars.ts", // a membership of who asks is looked up in the file's organization
  "convex/accounts/{sessions,passkeys,passkeyProofs}.ts", // the row's user is compared; a signature was checked
  "convex/tenants/secondFactorRule.ts", // who is calling
  "convex/team/members.ts", // a user: their row in the project is looked up
  "convex/team/sightRows.ts", // who is writing
  "convex/accounts/dataExport.ts", // whose copy it is is compared
  "convex/audit/trail.ts", // an administrator of the deployment
  "convex/oauth/connections.ts", // the row's user is compared
  "convex/jobs/kind.ts", // a row that recovery has found, or the operator names
];
const FOREIGN_IDS = {
  regex: "/own$",
  importNames: ["idOfAnyTenant", "rowOfAnyTenant"],
  message: "Use own or findOwn; what else proves an id is said in OF_ANY_TENANT, eslint.config.js.",
};

/** A request is known, counted, let in and answered once by the same steps: these files take them. */
const PIPELINE = ["convex/kit/{askers,pipeline}.ts"];
const STEPS = [
  ["caller", ["requireKind", "requireUnexpired"]],
  ["mode", ["requireKeyOfMode"]],
  ["idempotency", ["findReply", "keepReply"]],
  ["writeScope", ["writeScopeOf"]],
].map(([file, importNames]) => ({
  regex: `/${file}$`,
  importNames,
  message: "A step of every request: convex/kit/pipeline.ts and askers.ts take it, in its order.",
}));

/** `{ z }` is all of zod with its fifty languages, which every call on Convex would load. */
const WHOLE_ZOD = {
  selector: "ImportDeclaration[source.value='zod'] > ImportSpecifier",
  message: 'Write import * as z from "zod": a bundle then has only what is used.',
};

/** Who reads HTTP requests: a path begins with the part of them that it leads into. */
const DOOR = ["convex/api/**/*.ts", "convex/kit/http/**/*.ts", "convex/kit/incomingPayload.ts"];
/** Below it, rules have live functions and devices for callers too, who have sent no body. */
const PLACED = "Rules name fields (invalidFields, FieldError); the door says where those stand.";
const PLACED_FIELDS = [
  { selector: "Literal[value=/^body\\./]", message: PLACED },
  { selector: "TemplateElement[value.raw=/^body\\./]", message: PLACED },
  { selector: "Property[key.name='path'] > Literal[value='body']", message: PLACED },
];
/** Who reads what was sent otherwise, or heeds a parameter or a header. */
const READERS = [
  ...DOOR,
  "convex/kit/{input,page,version}.ts",
  "convex/live/*.ts",
  "convex/sync/naming.ts",
];
const PLACED_PROBLEMS = { group: ["**/errors"], importNames: ["invalid"], message: PLACED };

/** Lists of objects to portal users too. */
const UNSEEN_RULE = {
  group: ["**/ontology/selectedRows", "**/ontology/searchedRows", "**/ontology/portalObjects"],
  message: "List by ontology/list.ts: it applies what a portal user may see.",
};

/** What a file of functions may not do: write to tables, but for those that are its own. */
function restrictions(own, others = [...IDS, ...PLACED_FIELDS]) {
  const all = new Set(OWNED.flatMap(({ tables }) => tables));
  const foreign = [...all].filter((table) => !own.includes(table));
  return {
    "no-restricted-syntax": [
      "error",
      WHOLE_ZOD,
      ...others,
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
      // It is marked so only to stand out; a provider on this machine's own address has no https.
      "@typescript-eslint/no-deprecated": [
        "error",
        { allow: [{ from: "package", package: "oauth4webapi", name: "allowInsecureRequests" }] },
      ],
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
  { files: SERVING, rules: restrictions([], [...IDS, ...PLACED_FIELDS, ...SERVED_ROWS]) },
  { files: DOOR, rules: restrictions([], IDS) },
  { files: ["convex/api/**/*.ts"], rules: restrictions([], [...IDS, ...SERVED_ROWS]) },
  { files: [OWN], rules: restrictions([], PLACED_FIELDS) },
  ...OWNED.map(({ tables, files }) => ({ files, rules: restrictions(tables) })),
  // The last that fits a file holds for it, whole.
  ...[
    [["convex/**/*.ts"], [], [FOREIGN_IDS, ...STEPS]],
    [["convex/*/**/*.ts"], READERS, [FOREIGN_IDS, ...STEPS, PLACED_PROBLEMS]],
    [OF_ANY_TENANT, READERS, [...STEPS, PLACED_PROBLEMS]],
    [PIPELINE, [], [FOREIGN_IDS, PLACED_PROBLEMS]],
    [["convex/api/**/*.ts"], [], [FOREIGN_IDS, ...STEPS, UNSEEN_RULE]],
  ].map(([files, ignores, patterns]) => ({
    files,
    ignores,
    rules: { "no-restricted-imports": ["error", { patterns }] },
  })),
  {
    files: ["*.js", "scripts/**/*.js"],
    ...tseslint.configs.disableTypeChecked,
    languageOptions: {
      ...tseslint.configs.disableTypeChecked.languageOptions,
      globals: { process: "readonly", URL: "readonly" },
    },
  },
);
