import type { AnswerMoment } from "../kit/http/moment";
import { API_PREFIX } from "../kit/http/context";
import { openSecret } from "../kit/secretBox";
import { presignDownload } from "./bucket";
import { LINK_SECONDS, linkToken } from "./links";

/** What a link to a file is made of; it never leaves the deployment. */
export type DownloadSource =
  | { place: "bucket"; key: string; fileName: string; contentType: string }
  | { place: "deployment"; id: string; linkSecret: string }
  | { place: "external"; url: string };

/** The link is made when it is answered: a query that read the clock would not be cached. */
export async function downloadLink(
  from: DownloadSource,
  { now, origin }: AnswerMoment,
): Promise<{ downloadUrl: string; expiresAt: number | null }> {
  if (from.place === "external") return { downloadUrl: from.url, expiresAt: null };
  const expiresAt = now + LINK_SECONDS * 1000;
  if (from.place === "bucket") {
    return { downloadUrl: await presignDownload(from.key, from, LINK_SECONDS), expiresAt };
  }
  const token = linkToken(from.id, expiresAt, await openSecret(from.linkSecret));
  return { downloadUrl: `${origin}${API_PREFIX}/files/${token}`, expiresAt };
}
