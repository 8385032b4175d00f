/** `convex export`: asks for an export and downloads it. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { ExportInProgress } from "../../transfer/exports";
import { type AdminContext, AdminRefusal, type AdminRoute } from "./context";

const DOWNLOAD = /^\/api\/export\/zip\/(\d{1,20})$/;

export const exportRoutes: AdminRoute[] = [
  { method: "POST", path: /^\/api\/export\/request\/zip$/, handle: requestExport },
  { method: "GET", path: DOWNLOAD, handle: download },
];

async function requestExport({ exports, url, response }: AdminContext): Promise<void> {
  try {
    await exports.request(url.searchParams.get("includeStorage") === "true");
  } catch (error) {
    if (!(error instanceof ExportInProgress)) throw error;
    throw new AdminRefusal(400, "ExportInProgress", error.message);
  }
  response.writeHead(200).end();
}

async function download({ exports, url, response }: AdminContext): Promise<void> {
  const startTs = DOWNLOAD.exec(url.pathname)?.[1] ?? "";
  const file = exports.fileOf(startTs);
  const found = await stat(file).catch(() => null);
  if (found === null) {
    throw new AdminRefusal(400, "ExportNotFound", "There is no such export any more; make another");
  }
  response.writeHead(200, {
    "Content-Type": "application/zip",
    "Content-Length": found.size,
    "Content-Disposition": `attachment; filename=snapshot_${startTs}.zip`,
  });
  await pipeline(createReadStream(file), response);
}
