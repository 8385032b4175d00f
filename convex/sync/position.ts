import * as z from "zod";
import type { Id } from "../_generated/dataModel";
import { invalidIn } from "../kit/errors";
import { openCursor, sealCursor } from "../kit/page";
import { sha256Hex } from "../kit/tokens";
import { nanoseconds, type Position, START } from "../ontology/commitOrder";
import { once } from "../kit/once";

const LIST = "sync";

const sealed = once(() =>
  z.tuple([z.string().regex(/^\d{1,19}$/), z.number().min(0), z.string().max(64), z.string()]),
);

/** What a client is given of a position. It grants nothing; what was altered is recognized by its check. */
export function cursorOf(organizationId: Id<"organizations">, position: Position): string {
  const { commitTs, creationTime, id } = position;
  const check = checkOf(organizationId, position);
  return sealCursor(LIST, JSON.stringify([String(commitTs), creationTime, id, check]));
}

/** @throws VALIDATION_ERROR for a cursor that this organization was never given */
export function positionOf(
  organizationId: Id<"organizations">,
  field: string,
  cursor: string,
): Position {
  const parsed = sealed().safeParse(readPosition(cursor));
  if (!parsed.success) throw badPosition(field);
  const [commitTs, creationTime, id, check] = parsed.data;
  const position = { commitTs: BigInt(commitTs), creationTime, id };
  if (check !== checkOf(organizationId, position)) throw badPosition(field);
  return position;
}

/** Before everything that was committed at this time or later, in milliseconds since the epoch. */
export function positionAt(time: number): Position {
  if (time <= 0) return START;
  return {
    commitTs: nanoseconds(time) - 1n,
    creationTime: Number.MAX_SAFE_INTEGER,
    id: "",
  };
}

function readPosition(cursor: string): unknown {
  try {
    return JSON.parse(openCursor(LIST, cursor)) as unknown;
  } catch {
    return null;
  }
}

function checkOf(organizationId: Id<"organizations">, position: Position): string {
  const { commitTs, creationTime, id } = position;
  return sha256Hex(JSON.stringify([organizationId, String(commitTs), creationTime, id])).slice(
    0,
    16,
  );
}

function badPosition(field: string): Error {
  const message = "is not a cursor that a pull of this organization has given out";
  return invalidIn("query", field, message);
}
