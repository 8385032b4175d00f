import { randomUUID } from "node:crypto";
import type { Id } from "../../convex/_generated/dataModel";
import { expect } from "vitest";
import { type Fixture, type Member, newMember } from "../helpers/backend";
import type { Role } from "../../convex/kit/scopes";

export type Result = {
  changeId: string;
  status: "applied" | "conflict" | "refused" | "duplicate";
  id: string;
  version: number;
  winner?: "client" | "server";
  conflictId?: string;
  error?: { code: string; message: string; details: unknown };
};
export type ConflictRecord = {
  id: string;
  objectId: string;
  winner: string;
  fields: string[];
  version: number;
  server: { version: number | null; data: Sent | null };
  client: { version: number | null; data: Sent | null };
  resolvedAt: number | null;
  resolution: string | null;
};
export type Sent = {
  subtype?: string;
  name?: string;
  status?: string;
  description?: string | null;
  customProperties?: Record<string, unknown>;
};
export type Change = {
  changeId?: string;
  op?: string;
  type?: string;
  id?: string;
  clientId?: string;
  baseVersion?: number;
  clientUpdatedAt?: number;
  data?: Sent | null;
};
export type Pushed = { results: Result[]; applied: number; conflicts: ConflictRecord[] };
export type PulledChange = {
  type: string;
  id: string;
  clientId?: string;
  op: string;
  version: number;
  data: Required<Sent> | null;
};
export type Pulled = { changes: PulledChange[]; nextCursor: string; hasMore: boolean };

/** A member of staff at a device of theirs. */
export type TestDevice = Member & {
  deviceId: string;
  push(changes: Change[]): Promise<Pushed>;
  /** The one result of a push of one change. */
  send(change: Change): Promise<Result>;
  pull(parameters?: string): Promise<Pulled>;
};

export async function newDevice(home: Fixture, role: Role = "owner"): Promise<TestDevice> {
  const organizationId: Id<"organizations"> = home.organizationId;
  const member = await newMember(home.backend, [{ organizationId, role }]);
  const deviceId = randomUUID();
  const body = { deviceId, name: "Phone", platform: "ios", appVersion: "1.0" };
  const activated = await member.request("POST", `/tenants/${organizationId}/activate`, { body });
  expect(activated.status).toBe(201);
  const push = async (changes: Change[]): Promise<Pushed> => {
    const whole = changes.map((change) => ({
      ...{ changeId: randomUUID(), op: "upsert", type: "crm_contact" },
      clientUpdatedAt: Date.now(),
      ...change,
    }));
    const answer = await member.request("POST", "/sync/push", {
      body: { deviceId, changes: whole },
    });
    expect(answer.status, JSON.stringify(answer.body.error)).toBe(200);
    return answer.body.data as unknown as Pushed;
  };
  return {
    ...member,
    deviceId,
    push,
    async send(change) {
      const [result] = (await push([change])).results;
      if (!result) throw new Error("A push of one change has one result.");
      return result;
    },
    async pull(parameters = "") {
      const answer = await member.request("GET", `/sync/pull${parameters}`);
      expect(answer.status).toBe(200);
      return answer.body.data as unknown as Pulled;
    },
  };
}
