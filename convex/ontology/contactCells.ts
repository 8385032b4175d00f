import { ADDRESS_GROUPS } from "./contactHeaders";

/** The cells of one row of a file, put together to the fields of a contact. */
const CUSTOM = "customFields.";
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
  private readonly texts: Record<string, unknown> = {};
  private readonly emails: string[] = [];
  private readonly phones: { rank: number; phone: string }[] = [];
  private readonly addresses = new Map<string, Record<string, string>>();
  private readonly middleNames: string[] = [];
  private fullName: string | undefined;
  private custom: Record<string, unknown> = {};

  /** @returns false for a cell of custom fields that is no JSON object */
  take(meaning: string, cell: string): boolean {
    const [group = "", field] = meaning.split(":");
    if (meaning === "customFields") {
      const parsed = jsonObject(cell);
      if (!parsed) return false;
      this.custom = { ...parsed, ...this.custom };
    } else if (meaning.startsWith(CUSTOM)) this.custom[meaning.slice(CUSTOM.length)] = cell;
    else if (meaning === "email") this.emails.unshift(...severalOf(cell));
    else if (meaning === "email+") this.emails.push(...severalOf(cell));
    else if (meaning === "phone" || meaning.startsWith("phone+")) {
      const rank = Number(meaning.slice("phone+".length));
      this.phones.push(...severalOf(cell).map((phone) => ({ rank, phone })));
    } else if (OWN_ADDRESS.includes(meaning)) this.addTo("own", meaning, cell);
    else if (field !== undefined) this.addTo(group, field, cell.trim());
    else if (meaning === "middleName") this.middleNames.push(cell.trim());
    else if (meaning === "fullName") this.fullName = cell.trim();
    else if (meaning === "tags") this.texts.tags = tagsOf(cell);
    else if (meaning === "labels") this.texts.tags ??= labelsOf(cell);
    else if (meaning === "lifecycleStage") this.takeStage(cell);
    else this.texts[meaning] = cell;
    return true;
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
    const others = { otherEmails, otherPhones, otherAddresses };
    for (const [name, values] of Object.entries(others)) {
      if (values.length > 0) this.custom[name] ??= values;
    }
    if (this.middleNames.length > 0) {
      fields.firstName = [fields.firstName, ...this.middleNames].filter(Boolean).join(" ");
    }
    this.addFullName(fields);
    if (Object.keys(this.custom).length > 0) fields.customFields = this.custom;
    return fields;
  }

  private addTo(group: string, field: string, cell: string): void {
    const address = this.addresses.get(group) ?? {};
    const before = field === "more" ? address.more : undefined;
    address[field] = before === undefined ? cell : `${before}, ${cell}`;
    this.addresses.set(group, address);
  }

  private takeStage(cell: string): void {
    const stage = STAGES[cell.toLowerCase().replace(/[^a-z]/g, "")];
    if (stage) this.texts.subtype ??= stage;
    else this.custom.lifecycleStage = cell;
  }

  /** An export's column `name` repeats what others say, in part or whole. */
  private addFullName(fields: Record<string, unknown>): void {
    const name = this.fullName;
    const { id, firstName, lastName, company, email } = fields;
    if (name === undefined || id !== undefined || firstName || lastName) return;
    if (name === company || name === email || name === "Unnamed contact") return;
    const at = name.lastIndexOf(" ");
    if (at < 0) fields.firstName = name;
    else [fields.firstName, fields.lastName] = [name.slice(0, at).trim(), name.slice(at + 1)];
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
