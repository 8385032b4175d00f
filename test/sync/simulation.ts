import { randomUUID } from "node:crypto";
import type { Change, ConflictRecord, PulledChange, Pushed, Result, Sent } from "./devices";

/**
 * An honest client of the sync protocol, as docs/sync.md tells it to behave: what it has pulled, a
 * queue of what was changed since, and a clock of its own.
 */
export type Server = {
  push(deviceId: string, changes: Change[]): Promise<Pushed>;
  pull(cursor: string, limit: number): Promise<Page>;
  /** A write of somebody else's, by a request. */
  patch(id: string, notes: string): Promise<void>;
  remove(id: string): Promise<void>;
  /** Marks an invoice as sent, by no channel. */
  send(id: string): Promise<void>;
  isRemovingProjects(): Promise<boolean>;
  /** Writes the same to both in one transaction. */
  patchTwins(ids: readonly string[], notes: string): Promise<void>;
  /** Those of this time and later. */
  conflicts(since: number): Promise<ConflictRecord[]>;
};
export type Page = { changes: PulledChange[]; nextCursor: string; hasMore: boolean };

/** How the network treats a push. */
export type Fate = "arrives" | "answer is lost" | "arrives twice" | "arrives out of order";

export type Acknowledged = { change: Change; result: Result; device: string };
export type Row = Pick<PulledChange, "type" | "version" | "data">;

const SECOND = 1000;
type Target = { type: string; id?: string; clientId?: string; baseVersion?: number };

export class Device {
  readonly id = randomUUID();
  readonly rows = new Map<string, Row>();
  readonly acknowledged: Acknowledged[] = [];
  readonly refused: Acknowledged[] = [];
  queue: Change[] = [];
  /** Whether the copy is complete, so that it must make sense as a whole. */
  isConsistent = true;
  private readonly names = new Map<string, string>();
  private ticks = 0;

  constructor(
    private readonly server: Server,
    public cursor: string,
    private readonly now: () => number,
    /** By how much its clock is wrong, in milliseconds. */
    private readonly skew: number,
  ) {}

  create(type: string, references: number): void {
    const clientId = randomUUID();
    const pick = (wanted: string): string | undefined => this.pick(wanted, references);
    const data = type === "task" ? taskOf(references, pick) : recordOf(type, randomUUID(), pick);
    if (data) this.enqueue({ type, clientId, data });
  }

  /** One that may be referred to: it was pulled, or was made here. */
  private pick(wanted: string, choice: number): string | undefined {
    const made = this.queue.flatMap((change) =>
      change.type === wanted && change.clientId !== undefined ? [change.clientId] : [],
    );
    const found =
      wanted === "issued invoice" ? this.issuedInvoices() : [...made, ...this.living(wanted)];
    return found[choice % Math.max(1, found.length)];
  }

  /** Edits something that it knows, or that it has made and not pushed yet. */
  edit(choice: number): void {
    const target = this.target(choice);
    if (!target) return;
    const { type, ...identity } = target;
    const data =
      type === "task"
        ? editedTask(choice, (wanted) => this.pick(wanted, choice + 1))
        : { customProperties: edited(type, choice) };
    this.enqueue({ type, ...identity, data });
  }

  /** Whatever else somebody does on it. */
  write(change: Change): void {
    this.enqueue(change);
  }

  /** Cancels an invoice or a quote; of other types there is no such thing. */
  cancel(choice: number): void {
    const documents = [...this.rows].filter(([, { type, data }]) => data && hasLines(type));
    const [id, row] = documents[choice % Math.max(1, documents.length)] ?? [];
    if (id === undefined || !row) return;
    const { type, version: baseVersion } = row;
    this.enqueue({ type, id, baseVersion, data: { status: "cancelled" } });
  }

  remove(choice: number): void {
    const known = [...this.rows].filter(([, row]) => row.data !== null);
    const [id, row] = known[choice % Math.max(1, known.length)] ?? [];
    if (id === undefined || !row || isTwin(row)) return;
    const { type, version: baseVersion } = row;
    this.enqueue({ op: "delete", type, id, baseVersion });
  }

  async push(fate: Fate, most = 200): Promise<void> {
    const sent = this.queue.slice(0, most);
    if (sent.length === 0) return;
    const half = Math.ceil(sent.length / 2);
    const parts =
      fate === "arrives out of order" ? [sent.slice(half), sent.slice(0, half)] : [sent];
    for (const part of parts) {
      if (part.length === 0) continue;
      if (fate === "arrives twice") await this.server.push(this.id, part);
      const { results } = await this.server.push(this.id, part);
      if (fate !== "answer is lost") this.take(part, results);
    }
  }

  /** One page. */
  async pull(limit: number): Promise<Page> {
    const page = await this.server.pull(this.cursor, limit);
    this.receive(page);
    return page;
  }

  receive(page: Page): void {
    for (const { id, type, version, data } of page.changes) {
      const known = this.rows.get(id);
      if (known && known.version > version) throw new Error(`${id} went back in time.`);
      this.rows.set(id, { type, version, data });
    }
    this.cursor = page.nextCursor;
    this.isConsistent = !page.hasMore;
  }

  async pullAll(limit: number): Promise<void> {
    while ((await this.pull(limit)).hasMore);
  }

  private take(part: readonly Change[], results: readonly Result[]): void {
    for (const [index, change] of part.entries()) {
      const result = results[index];
      if (!result || result.changeId !== change.changeId) {
        throw new Error("Results are in the order of the changes.");
      }
      const isEarly = result.error?.code === "REFERENCE_NOT_FOUND" || isUnknown(change, result);
      // What it refers to is on its way: once more, later.
      if (isEarly && this.queue.length > 1) continue;
      this.queue = this.queue.filter((queued) => queued !== change);
      const device = this.id;
      if (result.status === "refused") this.refused.push({ change, result, device });
      else this.acknowledged.push({ change, result, device });
      if (result.id && change.clientId !== undefined) this.names.set(change.clientId, result.id);
    }
  }

  private living(type: string): string[] {
    return [...this.rows].flatMap(([id, row]) =>
      row.type === type && row.data !== null && !isTwin(row) ? [id] : [],
    );
  }

  private issuedInvoices(): string[] {
    return [...this.rows].flatMap(([id, { type, data }]) =>
      type === "invoice" && data && data.status !== "draft" ? [id] : [],
    );
  }

  private target(choice: number): Target | null {
    const made: Target[] = this.queue.flatMap(({ type, clientId, data }) =>
      clientId !== undefined && type !== undefined && data?.subtype !== undefined
        ? [{ type, clientId }]
        : [],
    );
    const known: Target[] = [...this.rows].flatMap(([id, row]) =>
      row.data !== null && !isTwin(row) ? [{ type: row.type, id, baseVersion: row.version }] : [],
    );
    const all = [...made, ...known];
    return all[choice % Math.max(1, all.length)] ?? null;
  }

  private enqueue(change: Change): void {
    this.ticks += 1;
    const clientUpdatedAt = this.now() + this.skew + this.ticks * SECOND;
    this.queue.push({ op: "upsert", ...change, changeId: randomUUID(), clientUpdatedAt });
  }
}

/** An edit of what the same device's earlier push has yet to make. */
function isUnknown({ clientId, op }: Change, { error }: Result): boolean {
  return clientId !== undefined && op === "delete" && error !== undefined;
}

export const TWIN = "twin";

export function isTwin({ data }: Row): boolean {
  return data?.customProperties.jobTitle === TWIN;
}

/** The text that tells one edit from all others. */
export function markOf({ data }: Change): string | null {
  const { notes, detailedDescription, transactionRef, lineItems } = data?.customProperties ?? {};
  const [line] = Array.isArray(lineItems) ? (lineItems as { description: string }[]) : [];
  const mark =
    notes ?? detailedDescription ?? transactionRef ?? line?.description ?? data?.description;
  return typeof mark === "string" ? mark : null;
}

function hasLines(type: string): boolean {
  return type === "invoice" || type === "quote";
}

function linesOf(mark: string): object[] {
  return [{ description: mark, quantity: 1, unitPriceInCents: 100_000, taxRatePercent: 19 }];
}

function edited(type: string, choice: number): Record<string, unknown> {
  const mark = randomUUID();
  if (type === "project") return { detailedDescription: mark };
  return hasLines(type) && choice % 2 === 0 ? { lineItems: linesOf(mark) } : { notes: mark };
}

const TASK_STATUSES = ["todo", "in_progress", "done"];

/** Some come again, some wait for another. */
function taskOf(choice: number, pick: (type: string) => string | undefined): Sent | null {
  const [projectId, other] = [pick("project"), pick("task")];
  if (projectId === undefined) return null;
  return {
    ...{ subtype: "task", name: "Draft", description: randomUUID() },
    customProperties: {
      projectId,
      ...(other !== undefined && choice % 2 === 0 ? { dependsOn: [other] } : {}),
      ...(choice % 3 === 0 ? { recurrence: { rrule: "FREQ=WEEKLY", from: "completion" } } : {}),
    },
  };
}

/** Said more of, waiting for another, or moved to a place in a column. */
function editedTask(choice: number, pick: (type: string) => string | undefined): Sent {
  const other = pick("task");
  if (choice % 3 === 0) return { description: randomUUID(), customProperties: {} };
  if (choice % 3 === 1 && other !== undefined) return { customProperties: { dependsOn: [other] } };
  const status = TASK_STATUSES[choice % TASK_STATUSES.length] ?? "todo";
  return { status, customProperties: { position: `a${1 + (choice % 9)}` } };
}

/** Null where there is nothing that such a record could belong to. */
function recordOf(
  type: string,
  mark: string,
  pick: (type: string) => string | undefined,
): Sent | null {
  const organization = pick("crm_organization");
  const contact = pick("crm_contact");
  const billTo = contact === undefined ? { name: "Ada" } : { contactId: contact };
  const content = { lineItems: linesOf("Work"), billTo, notes: mark };
  const invoiceId = pick("issued invoice");
  switch (type) {
    case "crm_organization":
      return { subtype: "customer", name: "Acme", customProperties: { notes: mark } };
    case "crm_contact":
      return {
        subtype: "lead",
        customProperties: {
          ...{ firstName: "Ada", notes: mark },
          ...(organization === undefined ? {} : { crmOrganizationId: organization }),
        },
      };
    case "invoice":
    case "quote":
      return { subtype: "b2c_single", customProperties: content };
    case "recurring_invoice": {
      const schedule = { frequency: "monthly", startDay: "2090-01-01" };
      return { subtype: "b2c_single", customProperties: { ...content, title: "Rent", schedule } };
    }
    case "payment": {
      const paid = { amountInCents: 1, paymentMethod: "cash", transactionRef: mark };
      return invoiceId === undefined ? null : { customProperties: { ...paid, invoiceId } };
    }
    case "credit_note": {
      const line = { description: mark, quantity: 1, unitPriceInCents: 1 };
      const credited = { lineItems: [line], reason: "Goodwill" };
      return invoiceId === undefined ? null : { customProperties: { ...credited, invoiceId } };
    }
    default:
      return {
        ...{ subtype: "internal", name: "Relaunch" },
        customProperties: {
          detailedDescription: mark,
          ...(organization === undefined ? {} : { clientOrgId: organization }),
          ...(contact === undefined ? {} : { contactIds: [contact] }),
        },
      };
  }
}
