import { v } from "convex/values";
import { oneOf } from "../kit/oneOf";
import { emailKey } from "../kit/email";
import { CHANGED, defineObjectType } from "./definition";
import { searchedTexts } from "./searchedTexts";

/** A customer of the organization who signs in to its portal. */
export const frontendUserType = defineObjectType({
  type: "frontend_user",
  resource: "frontend user",
  area: "portal",
  subtypes: ["portal"],
  statuses: ["active", "inactive"],
  verbs: [...CHANGED, "linked", "signed_in", "relinked", "erased"],
  properties: v.object({
    email: v.string(),
    oauthProvider: oneOf(["google", "microsoft"]),
    oauthId: v.string(),
    displayName: v.string(),
    lastLogin: v.number(),
    crmContactId: v.optional(v.id("objects")),
  }),
  uniqueKeyIs: {
    field: "email",
    errorCode: "CONFLICT",
    message: "Another portal user has this e-mail.",
  },
  columns({ customProperties: user }) {
    return {
      name: user.email,
      searched: [
        ...searchedTexts({ email: user.email }),
        ...searchedTexts({ displayName: user.displayName }, "name"),
      ],
      lookupKey: emailKey(user.email),
      facet: user.oauthProvider,
      parentId: user.crmContactId,
      links: user.crmContactId ? [{ linkType: "portal_user_of", to: user.crmContactId }] : [],
    };
  },
  withoutPerson: ({ customProperties: { oauthProvider } }) => ({
    left: { email: "", oauthProvider, oauthId: "", displayName: "", lastLogin: 0 },
    isRemoved: true,
  }),
  owners: { parentId: "crm_contact" },
  filters: {
    status: "status",
    oauthProvider: "facet",
    crmContactId: "parentId",
    email: "lookupKey",
  },
});
