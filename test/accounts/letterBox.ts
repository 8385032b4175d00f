import { openSecret } from "../../convex/kit/secretBox";
import type { Doc } from "../../convex/_generated/dataModel";
import type { Backend } from "../helpers/backend";

/** The tokens in the letters of a kind that are queued or sent, in their order. */
export async function lettersOf(
  backend: Backend,
  template: Doc<"accountMails">["template"],
): Promise<string[]> {
  const mails = await backend.run(({ db }) => db.query("accountMails").collect());
  const links = mails
    .filter((mail) => mail.template === template && mail.secretUrl !== undefined)
    .map(async ({ secretUrl = "" }) => await openSecret(secretUrl));
  return (await Promise.all(links)).map((url) => url.split("token=")[1] ?? "");
}
