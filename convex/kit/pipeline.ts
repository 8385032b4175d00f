import type { Doc } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import type { WriteScope } from "../ontology/effects";
import { lastUseOf } from "../accounts/sessions";
import { ObjectStore } from "../ontology/store";
import { admit, type Admitted, admitToWrite, type Askers } from "./askers";
import type { Caller, CallerCredential, Identity } from "./caller";
import { DryRun } from "./dryRun";
import type { WriteCall, WriteReply } from "./calls";
import { findReply, keepReply } from "./idempotency";
import {
  type Answer,
  type AskedBy,
  type Refusal,
  type Reply,
  replyOf,
  withoutSecrets,
} from "./reply";
import { writeScopeOf } from "./writeScope";

/**
 * How a request is served, whoever asks and by which way: endpoints (endpoint.ts), those of a person
 * (personalEndpoint.ts), and the dashboard's live functions (live.ts, liveWrites.ts). Every step is
 * here or in askers.ts, once, and in this order:
 *
 *  read   identify · admit · handler · reply
 *  write  identify · not expired · count · admit · mode of the key
 *         · replay of an Idempotency-Key · handler · dry run · keep the reply
 *
 * and what the handler writes in an organization, it writes between `writing`'s scope and finish.
 */
export async function serveRead<Who extends Asker, Home, Door>(
  ctx: QueryCtx,
  askers: Askers<Who, Home, Door>,
  request: { credential: CallerCredential; door: Door },
  handler: (who: Who) => Promise<Answer<unknown>>,
): Promise<Reply> {
  const identify = async (): Promise<Who> => await askers.identify(ctx, request.credential);
  const who = await admit(askers, identify, request.door);
  const answer = await handler(who);
  const askedBy = { ...askers.keysOf(who), ...knownBy(who) };
  return { ...replyOf(answer), askedBy, documentsRead: await documentsRead(ctx) };
}

type Asker = Pick<Identity, "expiresAt"> & Partial<Pick<Identity, "session">>;

function knownBy({ expiresAt, session }: Asker): Pick<AskedBy, "expiresAt" | "lastUsedAt"> {
  return {
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(session ? { lastUsedAt: lastUseOf(session) } : {}),
  };
}

/** Of an endpoint, what the steps of a write go by. */
type Repeatable = {
  triesTokens?: true;
  rehearsesItself?: true;
  secrets?: readonly string[];
};

export async function serveWrite<Who extends Pick<Identity, "expiresAt">, Home, Door>(
  ctx: MutationCtx,
  askers: Askers<Who, Home, Door>,
  { call, door }: { call: WriteCall; door: Door & Repeatable },
  handler: (admitted: Admitted<Who, Home>) => Promise<Answer<unknown> | Refusal>,
): Promise<WriteReply> {
  const admitted = await admitToWrite(ctx, askers, {
    identify: async () => await askers.identify(ctx, call.credential),
    credential: call.credential.kind,
    ip: call.ip,
    triesTokens: door.triesTokens,
    isCounted: call.upload !== undefined || call.isCounted === true,
    door,
  });
  const { who, metering } = admitted;
  const { idempotency, dryRun = false } = call;
  const owner = askers.keysOf(who);
  const first = idempotency && (await findReply(ctx, owner, idempotency));
  if (first) return { reply: JSON.parse(first) as Reply, replayed: true, metering };

  const answer = await handler(admitted);
  if ("refusal" in answer) {
    const { refusal } = answer;
    const documents = await documentsRead(ctx);
    const reply = { status: refusal.status, data: "null", refusal, documentsRead: documents };
    return { reply, replayed: false, metering };
  }
  const reply = { ...replyOf(answer), traceId: call.traceId };
  const shown = withoutSecrets(reply, door.secrets ?? []);
  if (dryRun && !door.rehearsesItself) throw new DryRun(shown);
  if (idempotency) await keepReply(ctx, owner, idempotency, JSON.stringify(shown));
  const served = { ...reply, documentsRead: await documentsRead(ctx) };
  return { reply: served, replayed: false, metering };
}

export type Writer = { scope: WriteScope; store: ObjectStore };

/** What a caller writes in their organization: with one store, under one scope, to its end. */
export async function writing<Result>(
  ctx: MutationCtx,
  { caller, organization }: { caller: Caller; organization: Doc<"organizations"> },
  request: Pick<WriteScope, "traceId" | "ip" | "userAgent">,
  write: (writer: Writer) => Promise<Result>,
): Promise<Result> {
  const scope = await writeScopeOf(ctx, caller, request);
  const store = new ObjectStore(ctx, scope, organization);
  const result = await write({ scope, store });
  await store.finish();
  return result;
}

async function documentsRead(ctx: QueryCtx): Promise<number> {
  return (await ctx.meta.getTransactionMetrics()).documentsRead.used;
}
