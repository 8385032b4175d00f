import type { AnswerMoment } from "./moment";
import { downloadLink, type DownloadSource } from "../../attachments/downloadLink";

/**
 * What becomes of an answer's data after its function: a query may be cached and so knows no clock and
 * no address, and what is kept for a repeated request must not hold a link that has ended by then. The
 * door does it, by the name that the endpoint gives in `finishes`.
 */
export type FinishName = "download" | "serverTime" | "avatar" | "resultLink";

/** What the query of such an endpoint answers, given the `data` that is documented. */
export type Unfinished<Name extends FinishName, Documented> = {
  download: DownloadSource;
  serverTime: Omit<Documented, "serverTime">;
  avatar: Omit<Documented, "avatarUrl"> & { avatarUrl: DownloadSource | null };
  resultLink: Omit<Documented, "result"> & { result: LinkedResult<Documented> | null };
}[Name];

/** What a job has made, whose link is to be made of `from`. */
type LinkedResult<Documented> = Documented extends { result: infer Result }
  ? Omit<NonNullable<Result>, "downloadUrl" | "expiresAt"> & { from: DownloadSource }
  : never;

type Finish = (data: unknown, moment: AnswerMoment) => unknown;

const FINISHES: Record<FinishName, Finish> = {
  download: (data, moment) => downloadLink(data as DownloadSource, moment),
  serverTime: (data, { now }) => ({ serverTime: now, ...(data as object) }),
  avatar: async (data, moment) => {
    const profile = data as { avatarUrl: DownloadSource | null };
    if (profile.avatarUrl === null) return profile;
    const { downloadUrl } = await downloadLink(profile.avatarUrl, moment);
    return { ...profile, avatarUrl: downloadUrl };
  },
  resultLink: async (data, moment) => {
    const job = data as { result: ({ from: DownloadSource } & object) | null };
    if (job.result === null) return job;
    const { from, ...result } = job.result;
    return { ...job, result: { ...result, ...(await downloadLink(from, moment)) } };
  },
};

export async function finish(
  name: FinishName,
  data: unknown,
  moment: AnswerMoment,
): Promise<unknown> {
  return await FINISHES[name](data, moment);
}
