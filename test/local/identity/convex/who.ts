import {
  actionGeneric,
  type Auth,
  internalMutationGeneric,
  makeFunctionReference,
  mutationGeneric,
  queryGeneric,
  type SignJwtClaims,
} from "convex/server";
import { v } from "convex/values";

const identityOf = async (ctx: { auth: Auth }): Promise<unknown> =>
  await ctx.auth.getUserIdentity();
const self = makeFunctionReference<"query", Record<string, never>, unknown>("who:inQuery");
const note = makeFunctionReference<"mutation", Record<string, never>, null>("who:note");

export const inQuery = queryGeneric({ args: {}, handler: identityOf });
export const inMutation = mutationGeneric({ args: {}, handler: identityOf });
export const inAction = actionGeneric({ args: {}, handler: identityOf });
/** The identity in a function that another one calls, of every kind. */
export const nestedInMutation = mutationGeneric({
  args: {},
  handler: async (ctx) => await ctx.runQuery(self, {}),
});
export const nestedInAction = actionGeneric({
  args: {},
  handler: async (ctx) => await ctx.runQuery(self, {}),
});
export const authToken = mutationGeneric({
  args: {},
  handler: async (ctx) => (await ctx.meta.getRequestMetadata()).authToken,
});

/** What a scheduled function sees of who scheduled it. */
export const schedule = mutationGeneric({
  args: {},
  handler: async (ctx) => {
    await ctx.scheduler.runAfter(0, note, {});
  },
});
export const noted = queryGeneric({
  args: {},
  handler: async (ctx) => (await ctx.db.query("notes").collect()).map(({ text }) => text as string),
});
export { noteIdentity as note };
const noteIdentity = internalMutationGeneric({
  args: {},
  handler: async (ctx) => {
    await ctx.db.insert("notes", { text: JSON.stringify(await ctx.auth.getUserIdentity()) });
  },
});

export const sign = mutationGeneric({
  args: { claims: v.optional(v.any()), expiresInSeconds: v.number() },
  handler: async (ctx, { claims, expiresInSeconds }) =>
    await ctx.auth.signJwt({ claims: claims as SignJwtClaims, expiresInSeconds }),
});
