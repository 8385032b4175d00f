/** What one client may ask of live queries, and how long the server waits for one. */
export const LIVE_LIMITS = {
  connections: 4_096,
  /** Of a message from a client: the arguments of all queries that it asks for at once. */
  messageBytes: 2 * 2 ** 20,
  queriesPerConnection: 4_096,
  /** Mutations and actions of one connection that have not been answered; more are not read yet. */
  requestsUnderWay: 256,
  /** Messages that wait for an `Authenticate` before them; more are not read yet. */
  messagesUntaken: 16,
  /** From the opening of a connection to its `Connect`. */
  connectWithinMs: 15_000,
  /** Of what a client has not taken yet: above this, nothing new is made for it. */
  outboxFullBytes: 2 ** 20,
  /** Answers go out also then, up to this. */
  outboxBytes: 64 * 2 ** 20,
  /** A client that takes nothing for so long is dropped. */
  stalledMs: 30_000,
  /** The clients of Convex give up on a server that is silent for a minute. */
  pingAfterMs: 15_000,
  /** How often connections are looked at. */
  tickMs: 5_000,
};

export type LiveLimits = typeof LIVE_LIMITS;
