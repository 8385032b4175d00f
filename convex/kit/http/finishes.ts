import type { AnswerMoment } from "./moment";
import { downloadLink, type DownloadSource } from "../../attachments/downloadLink";

/**
 * What becomes of a read's data after its query, which may be cached and so knows no clock and no
 * address: the door does it, by the name that the endpoint gives in `finishes`.
 */
export type FinishName = "download" | "serverTime";

/** What the query of such an endpoint answers, given the `data` that is documented. */
export type Unfinished<Name extends FinishName, Documented> = {
  download: DownloadSource;
  serverTime: Omit<Documented, "serverTime">;
}[Name];

type Finish = (data: unknown, moment: AnswerMoment) => unknown;

const FINISHES: Record<FinishName, Finish> = {
  download: (data, moment) => downloadLink(data as DownloadSource, moment),
  serverTime: (data, { now }) => ({ serverTime: now, ...(data as object) }),
};

export async function finish(
  name: FinishName,
  data: unknown,
  moment: AnswerMoment,
): Promise<unknown> {
  return await FINISHES[name](data, moment);
}
