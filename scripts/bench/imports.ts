/** The CRM's figures as tables: import, bulk and merge on a server of their own. */
import { bulkFigures, importFigures, mergeFigures, type Target } from "./crm";
import { demoKey } from "./contacts";
import { step, table } from "./report";
import { removeData, startFreehold } from "./server";

export async function benchCrm(importSizes: readonly number[]): Promise<void> {
  const server = await startFreehold();
  const target: Target = {
    siteUrl: server.url,
    apiKey: await demoKey(server),
    pid: server.pid,
  };
  step("crm: bulk and merge");
  table("Bulk of 200 contacts, ms (median)", [{ ...(await bulkFigures(target)) }]);
  table("Merge of a contact with 1,000 links, ms", [{ ...(await mergeFigures(target)) }]);
  step(`crm: imports of ${importSizes.join(", ")} rows`);
  table("Import of contacts by CSV", await importFigures(target, importSizes));
  await server.stop();
  await removeData(server);
}
