import type { Doc } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { emailKey } from "../kit/email";
import { sha256Hex } from "../kit/tokens";
import type { ImportRow, Judged } from "./batch";
import { personOf, phoneKeysOf } from "./contactIdentity";
import { cardKey, nameKey } from "./contactMatch";
import { phoneRegionOf } from "./phoneRegion";

type ContactImport = Pick<Doc<"contactImports">, "_id" | "organizationId">;
type RowResult = Doc<"contactImportResults">["results"][number];

/** Of a phone and a name that several have with different e-mails. */
const NAMESAKES_READ = 50;

/**
 * In a dry run nothing is written, so a later row of the same person does not meet them. What the rows
 * so far are known by is kept, as SHA-256, and read by the rules of contactIdentity.ts.
 */
export async function tellRepeats(
  ctx: MutationCtx,
  { _id: importId, organizationId }: ContactImport,
  items: readonly Judged[],
  results: RowResult[],
): Promise<void> {
  const organization = await ctx.db.get("organizations", organizationId);
  const region = organization && phoneRegionOf(organization);
  const keys = new RehearsedKeys(ctx, importId);
  for (const [index, result] of results.entries()) {
    const judgement = items[index];
    if (result.status === "error" || !judgement || !("item" in judgement)) continue;
    if (result.status === "created") delete result.id;
    const { fields, card } = judgement.item as ImportRow;
    const person = personOf(fields);
    const name = nameKey(person);
    const isKnown = await keys.meet({
      email: fields.email === undefined ? null : emailKey(fields.email),
      card: card === undefined ? null : cardKey(card),
      twins: name === null ? [] : phoneKeysOf(person, region).map((phone) => `${phone} ${name}`),
    });
    if (isKnown) result.status = "updated";
  }
}

type Identity = { email: string | null; card: string | null; twins: string[] };

/** A key is the hash of an e-mail or of a card, or that of a phone and a name with that of the e-mail. */
class RehearsedKeys {
  constructor(
    private readonly ctx: MutationCtx,
    private readonly importId: Doc<"contactImports">["_id"],
  ) {}

  /** Whether a row before it was of the same person; it is known itself from now on. */
  async meet({ email, card, twins }: Identity): Promise<boolean> {
    const mailbox = email === null ? "" : sha256Hex(email);
    const own = [mailbox, card === null ? "" : sha256Hex(`card ${card}`)].filter(Boolean);
    let isKnown = false;
    for (const key of own) isKnown = (await this.has(key)) || isKnown;
    for (const twin of twins) {
      if (!isKnown) isKnown = await this.hasTwin(sha256Hex(twin), mailbox);
    }
    const ofTwins = twins.map((twin) => `${sha256Hex(twin)}:${mailbox}`);
    for (const key of [...own, ...ofTwins]) {
      if (!(await this.has(key))) {
        await this.ctx.db.insert("contactImportKeys", { importId: this.importId, key });
      }
    }
    return isKnown;
  }

  private async has(key: string): Promise<boolean> {
    const found = await this.ctx.db
      .query("contactImportKeys")
      .withIndex("by_key", (q) => q.eq("importId", this.importId).eq("key", key))
      .first();
    return found !== null;
  }

  /** Two with different e-mails are two people; one who had none takes the first that is given. */
  private async hasTwin(twin: string, mailbox: string): Promise<boolean> {
    const namesakes = await this.ctx.db
      .query("contactImportKeys")
      .withIndex("by_key", (q) =>
        q.eq("importId", this.importId).gte("key", `${twin}:`).lt("key", `${twin};`),
      )
      .take(NAMESAKES_READ);
    const found = namesakes.find(
      ({ key }) => mailbox === "" || key === `${twin}:` || key === `${twin}:${mailbox}`,
    );
    if (found?.key === `${twin}:` && mailbox !== "") {
      await this.ctx.db.patch("contactImportKeys", found._id, { key: `${twin}:${mailbox}` });
    }
    return found !== undefined;
  }
}
