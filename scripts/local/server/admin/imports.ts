/** `convex import`: takes what is uploaded in parts, and imports it when it is confirmed. */
import * as z from "zod";
import { UploadRefused } from "../../transfer/staging";
import { sendJson } from "../reply";
import { type AdminContext, AdminRefusal, type AdminRoute, readJson } from "./context";

/** Ten thousand part tokens. */
const MAX_BODY = 2 * 2 ** 20;

const finishBody = z.object({
  import: z.object({
    tableName: z.string().optional(),
    componentPath: z.string().nullish(),
    mode: z.enum(["requireEmpty", "append", "replace", "replaceAll"]),
    format: z.enum(["csv", "jsonLines", "jsonArray", "zip"]),
  }),
  uploadToken: z.string(),
  partTokens: z.array(z.string()),
});
const performBody = z.object({ importId: z.string() });

export const importRoutes: AdminRoute[] = [
  route(/^\/api\/import\/start_upload$/, async ({ imports, response }) => {
    const uploadToken = await imports.uploads.start();
    sendJson(response, 200, JSON.stringify({ uploadToken }));
  }),
  route(/^\/api\/import\/upload_part$/, async ({ imports, request, response, url }) => {
    const token = url.searchParams.get("uploadToken") ?? "";
    const number = Number(url.searchParams.get("partNumber"));
    const partToken = await imports.uploads.part(token, number, request);
    sendJson(response, 200, JSON.stringify(partToken));
  }),
  route(/^\/api\/import\/finish_upload$/, async ({ imports, request, response }) => {
    const body = await readJson(request, finishBody, MAX_BODY);
    const { componentPath, tableName, mode, format } = body.import;
    if (componentPath != null && componentPath !== "") {
      throw new UploadRefused(`There is no component "${componentPath}" here`);
    }
    const asked = { mode, format, ...(tableName === undefined ? {} : { tableName }) };
    const importId = await imports.begin(asked, body.uploadToken, body.partTokens);
    sendJson(response, 200, JSON.stringify({ importId }));
  }),
  route(/^\/api\/perform_import$/, async ({ imports, request, response }) => {
    const { importId } = await readJson(request, performBody, MAX_BODY);
    await imports.perform(importId);
    response.writeHead(200).end();
  }),
];

function route(path: RegExp, serve: (context: AdminContext) => Promise<void>): AdminRoute {
  return {
    method: "POST",
    path,
    handle: async (context) => {
      try {
        await serve(context);
      } catch (error) {
        if (!(error instanceof UploadRefused)) throw error;
        throw new AdminRefusal(400, "ImportRefused", error.message);
      }
    },
  };
}
