import { HttpRouterWithHono } from "convex-helpers/server/hono";
import * as apiKeys from "./api/v1/apiKeys";
import * as contacts from "./api/v1/contacts";
import * as crmOrganizations from "./api/v1/crmOrganizations";
import * as organization from "./api/v1/organization";
import { httpApp } from "./kit/http/app";
import { endpointsIn } from "./kit/http/mount";

/** One line per resource: its endpoints bring their own routes. */
export const endpoints = endpointsIn({
  "api/v1/contacts": contacts,
  "api/v1/crmOrganizations": crmOrganizations,
  "api/v1/organization": organization,
  "api/v1/apiKeys": apiKeys,
});

export default new HttpRouterWithHono(httpApp(endpoints));
