/** `npm run bench`: figures of this machine, as tables. Ratios within one run are what to quote. */
import { benchAccounts } from "./bench/accounts";
import { benchAudit } from "./bench/audit";
import { benchContacts } from "./bench/contacts";
import { benchCrm } from "./bench/imports";
import { benchInvoicing } from "./bench/invoicing";
import { benchLive } from "./bench/live";
import { benchModules } from "./bench/modules";
import { benchPdf } from "./bench/pdf";
import { benchProjects } from "./bench/projects";
import { benchSearch } from "./bench/search";
import { benchSync } from "./bench/sync";
import { benchTasks } from "./bench/tasks";
import { benchWebhooks } from "./bench/webhooks";
import { runScript } from "./commandLine";

type Section = (typeof SECTIONS)[number];
const SECTIONS = [
  "contacts",
  "search",
  "crm",
  "projects",
  "tasks",
  "invoicing",
  "pdf",
  "live",
  "sync",
  "webhooks",
  "audit",
  "modules",
  "accounts",
] as const;

const HELP = `Usage: npm run bench -- [options]

  --only contacts,search,crm,projects,tasks,invoicing,pdf,live,sync,webhooks,audit,modules,accounts
                              sections to run; all by default
  --sizes 1000,10000,100000   records in the organization at each measurement
  --deliveries 10000          webhook deliveries in all, to a hundred endpoints
  --help                      this text

Fills temporary data folders and measures Freehold, its contacts beside a bare Fastify + lmdb
server. With the default sizes contacts take some five minutes; imports and invoices take longer.
Sync, search, tasks and audit seed their records instead of requesting them: a million take --sizes 10000,1000000,
some ten minutes and 13 GB of the folder for temporary files (TMPDIR).`;

await runScript(HELP, ["only", "sizes", "deliveries"], async (values) => {
  const wanted = (values.only ?? SECTIONS.join(",")).split(",");
  const unknown = wanted.filter((section) => !SECTIONS.includes(section as Section));
  if (unknown.length > 0) {
    throw new Error(`There is no section ${unknown.join(", ")}; there are ${SECTIONS.join(", ")}.`);
  }
  const sizes = (values.sizes ?? "1000,10000,100000").split(",").map(Number);
  const run: Record<Section, () => Promise<void>> = {
    contacts: () => benchContacts(sizes),
    search: () => benchSearch(sizes),
    crm: () => benchCrm(sizes),
    projects: () => benchProjects(),
    tasks: () => benchTasks(sizes),
    invoicing: () => benchInvoicing(sizes),
    pdf: () => benchPdf(),
    live: () => benchLive(),
    sync: () => benchSync(sizes),
    webhooks: () => benchWebhooks(Number(values.deliveries ?? 10_000)),
    accounts: () => benchAccounts(),
    audit: () => benchAudit(sizes),
    modules: () => benchModules(),
  };
  for (const section of SECTIONS) if (wanted.includes(section)) await run[section]();
});
