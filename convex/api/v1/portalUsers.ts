import * as z from "zod";
import { noContent, ok, readEndpoint, writeEndpoint } from "../../kit/endpoint";
import { emailKey } from "../../kit/email";
import { idFilter, severalOf } from "../../kit/several";
import {
  frontendUserRecord,
  frontendUserStatus,
  frontendUserUpdate,
  oauthProvider,
} from "../../ontology/frontendUserInput";
import { changePortalUser } from "../../ontology/frontendUserRules";
import { crmContextOf, frontendUserView } from "../../ontology/frontendUserView";
import { listObjects, listParametersOf, listRequest } from "../../ontology/list";
import { revokePortalSessions } from "../../ontology/portalSessions";

const tag = "Portal users";

export const list = readEndpoint(
  {
    method: "GET",
    path: "/portal/users",
    tag,
    summary: "List or search the portal's users",
    scope: "portal:read",
    query: () =>
      z.strictObject({
        ...listParametersOf("frontend_user"),
        status: severalOf(frontendUserStatus()),
        oauthProvider: severalOf(oauthProvider()),
        crmContactId: idFilter(),
        email: severalOf(z.string().max(254).transform(emailKey)),
      }),
    list: true,
    answers: { 200: () => z.array(frontendUserRecord()) },
  },
  async ({ tenant, ...ctx }, { query }) => {
    const request = listRequest("frontend_user", query);
    const { rows, meta } = await listObjects(ctx, ctx.caller, "frontend_user", request);
    const users = rows.map(async (user) =>
      frontendUserView(user, await crmContextOf(tenant, user)),
    );
    return ok(await Promise.all(users), { meta });
  },
);

export const get = readEndpoint(
  {
    method: "GET",
    path: "/portal/users/:id",
    tag,
    summary: "Get a portal user",
    scope: "portal:read",
    subject: "frontend_user",
    answers: { 200: frontendUserRecord },
  },
  async ({ tenant }, { subject }) =>
    ok(frontendUserView(subject, await crmContextOf(tenant, subject)), {
      version: subject.version,
    }),
);

export const update = writeEndpoint(
  {
    method: "PATCH",
    path: "/portal/users/:id",
    tag,
    summary: "Switch a portal user off or on, or link them to a contact",
    description: "A user who is switched off is signed out everywhere and cannot sign in.",
    scope: "portal:write",
    subject: "frontend_user",
    body: frontendUserUpdate,
    example: { status: "inactive" },
    answers: { 200: frontendUserRecord },
  },
  async ({ store, scope, ...ctx }, { subject, body }) => {
    const user = await changePortalUser(store, subject, body);
    if (user.status === "inactive") await revokePortalSessions(ctx, scope, user._id);
    return ok(frontendUserView(user, await crmContextOf(store, user)), { version: user.version });
  },
);

export const remove = writeEndpoint(
  {
    method: "DELETE",
    path: "/portal/users/:id",
    tag,
    summary: "Delete a portal user",
    description: "They are signed out everywhere; who signs in again is a new user.",
    scope: "portal:write",
    subject: "frontend_user",
    answers: { 204: null },
    errors: ["CONFLICT"],
  },
  async ({ store, scope, ...ctx }, { subject }) => {
    await revokePortalSessions(ctx, scope, subject._id);
    await store.remove(subject);
    return noContent;
  },
);
