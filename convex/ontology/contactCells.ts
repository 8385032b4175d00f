import type { Problem } from "../kit/errors";
import { ROUNDED, roundedNumber } from "../kit/jsonNumbers";
import { ADDRESS_GROUPS } from "./contactHeaders";
import { saysMore } from "./contactRow";

/** The cells of one row of a file, put together to the fields of a contact. */
const CUSTOM = "customFields.";
/** What an export of ours writes for a contact without any. */
const UNNAMED = "Unnamed contact";
const OWN_ADDRESS = ["street", "city", "state", "postalCode", "country"];

/** HubSpot's stages as ours; what is in none of them stays a lead. */
const STAGES: Record<string, "lead" | "prospect" | "customer"> = {
  lead: "lead",
  subscriber: "lead",
  marketingqualifiedlead: "prospect",
  salesqualifiedlead: "prospect",
  opportunity: "prospect",
  customer: "customer",
  evangelist: "customer",
};

export class CellsOfRow {
  /** What a contact has no place for, beside what other cells of the row say. */
  readonly left: Problem[] = [];
  private readonly texts: Record<string, unknown> = {};
  private readonly emails: string[] = [];
  private readonly phones: { rank: number; phone: string }[] = [];
  private readonly websites: string[] = [];
  private readonly addresses = new Map<string, Record<string, string>>();
  private readonly middleNames: string[] = [];
  private readonly tags: unknown[] = [];
  private fullName: string | undefined;
  private stage: string | undefined;
  private custom: Record<string, unknown> = {};
  private customObject: Record<string, unknown> = {};

  /** @returns what is wrong with a cell of custom fields */
  take(meaning: string, cell: string): Problem | null {
    const [group = "", field] = meaning.split(":");
    if (meaning === "customFields") {
      const parsed = jsonObject(cell);
      if (!parsed) return { path: meaning, message: "must be a JSON object" };
      const rounded = roundedNumber(cell, meaning);
      if (rounded !== null) return { path: rounded, message: ROUNDED };
      this.customObject = parsed;
    } else if (meaning.startsWith(CUSTOM)) this.custom[meaning.slice(CUSTOM.length)] = cell;
    else if (meaning === "email") this.emails.unshift(...severalOf(cell));
    else if (meaning === "email+") this.emails.push(...severalOf(cell));
    else if (meaning === "phone" || meaning.startsWith("phone+")) {
      const rank = Number(meaning.slice("phone+".length));
      this.phones.push(...severalOf(cell).map((phone) => ({ rank, phone })));
    } else if (meaning === "website+") this.websites.push(...severalOf(cell));
    else if (OWN_ADDRESS.includes(meaning)) this.addTo("own", meaning, cell);
    else if (field !== undefined) this.addTo(group, field, cell.trim());
    else if (meaning === "middleName") this.middleNames.push(cell.trim());
    else if (meaning === "fullName") this.fullName = cell.trim();
    else if (meaning === "tags") this.tags.push(tagsOf(cell));
    else if (meaning === "labels") this.tags.push(labelsOf(cell));
    else if (meaning === "lifecycleStage") this.stage = cell;
    else this.texts[meaning] = cell;
    return null;
  }

  fields(): Record<string, unknown> {
    const fields = { ...this.texts };
    const [email, ...otherEmails] = new Set(this.emails);
    const ranked = this.phones.sort((one, other) => one.rank - other.rank);
    const [phone, ...otherPhones] = new Set(ranked.map((entry) => entry.phone));
    const [address, ...otherAddresses] = ADDRESS_GROUPS.flatMap((group) => {
      const parts = this.addresses.get(group);
      return parts ? [withoutParts(parts)] : [];
    });
    if (email !== undefined) fields.email = email;
    if (phone !== undefined) fields.phone = phone;
    if (address) fields.address = address;
    // A single cell may hold what is no list of tags, which is refused by name.
    const [tags, ...more] = this.tags;
    if (tags !== undefined) fields.tags = more.length === 0 ? tags : this.tags.flat();
    if (this.middleNames.length > 0) {
      fields.firstName = [fields.firstName, ...this.middleNames].filter(Boolean).join(" ");
    }
    this.addStage(fields);
    this.addFullName(fields);
    const customFields = this.customFields({ otherEmails, otherPhones, otherAddresses });
    if (Object.keys(customFields).length > 0) fields.customFields = customFields;
    return fields;
  }

  leave(path: string, message: string): void {
    this.left.push({ path, message });
  }

  private addTo(group: string, field: string, cell: string): void {
    const address = this.addresses.get(group) ?? {};
    // A second street is a further line of it.
    const to = field === "street" && address.street !== undefined ? "more" : field;
    const before = address[to];
    if (before === undefined) address[to] = cell;
    else if (to === "more") address.more = `${before}, ${cell}`;
    else if (before !== cell) this.leave(field, "a second one is not kept");
    this.addresses.set(group, address);
  }

  /** A stage that is none of ours, or beside a subtype that says something else, stays a field. */
  private addStage(fields: Record<string, unknown>): void {
    if (this.stage === undefined) return;
    const stage = STAGES[this.stage.toLowerCase().replace(/[^a-z]/g, "")];
    if (stage !== undefined) fields.subtype ??= stage;
    if (stage === undefined || fields.subtype !== stage) this.custom.lifecycleStage ??= this.stage;
  }

  /** An export's column `name` repeats what others say, in part or whole. */
  private addFullName(fields: Record<string, unknown>): void {
    const name = this.fullName;
    const { id, firstName, lastName, company, email } = fields;
    if (name === undefined || name === company || name === email || name === UNNAMED) return;
    if (id !== undefined || firstName || lastName) {
      const { salutation, title, nameSuffix, nickname } = this.custom;
      const said = [firstName, lastName, company, email, salutation, title, nameSuffix, nickname];
      if (saysMore(name, said))
        this.leave("name", "says more than the other columns, and is not kept");
      return;
    }
    const at = name.lastIndexOf(" ");
    if (at < 0) fields.firstName = name;
    else [fields.firstName, fields.lastName] = [name.slice(0, at).trim(), name.slice(at + 1)];
  }

  /** A column of a custom field wins over the object of all, and further values join a list of theirs. */
  private customFields(others: Record<string, readonly unknown[]>): Record<string, unknown> {
    for (const key of Object.keys(this.custom)) {
      if (Object.hasOwn(this.customObject, key) && this.customObject[key] !== this.custom[key]) {
        this.leave(`customFields.${key}`, "a second one is not kept");
      }
    }
    const custom: Record<string, unknown> = { ...this.customObject, ...this.custom };
    const [website, ...otherWebsites] = new Set([custom.website ?? [], this.websites].flat());
    if (website !== undefined) custom.website = website;
    for (const [name, values] of Object.entries({ ...others, otherWebsites })) {
      if (values.length > 0) custom[name] = [...new Set([custom[name] ?? [], values].flat())];
    }
    return custom;
  }
}

/** Further lines and the house's number go to the street. */
function withoutParts(parts: Record<string, string>): Record<string, string> {
  const { street, houseNumber, more, ...address } = parts;
  if (houseNumber === undefined && more === undefined) return { ...parts };
  const line = [street, houseNumber].filter(Boolean).join(" ");
  return { street: [line, more].filter(Boolean).join(", "), ...address };
}

/** Google puts several values of one label into one cell. */
function severalOf(cell: string): string[] {
  return cell.includes(":::") ? separated(cell, ":::") : [cell];
}

function tagsOf(cell: string): unknown {
  if (cell.trimStart().startsWith("[")) {
    try {
      return JSON.parse(cell) as unknown;
    } catch {
      // Then it is a tag that begins with a bracket.
    }
  }
  return separated(cell, /[;,|]/);
}

/** Google's: `* myContacts` is on everybody, and an asterisk marks its own labels. */
function labelsOf(cell: string): unknown {
  if (!/:::|^\s*\* /.test(cell)) return tagsOf(cell);
  return separated(cell, ":::")
    .map((label) => label.replace(/^\* ?/, ""))
    .filter((label) => label !== "" && label !== "myContacts");
}

function separated(cell: string, separator: string | RegExp): string[] {
  return cell
    .split(separator)
    .map((part) => part.trim())
    .filter(Boolean);
}

function jsonObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
