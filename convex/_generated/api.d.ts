/* eslint-disable */
/**
 * Generated `api` utility.
 *
 * THIS CODE IS AUTOMATICALLY GENERATED.
 *
 * To regenerate, run `npx convex dev`.
 * @module
 */

import type {
  ApiFromModules,
  FilterApi,
  FunctionReference,
} from "convex/server";
import type * as api_v1_apiKeys from "../api/v1/apiKeys.js";
import type * as api_v1_contacts from "../api/v1/contacts.js";
import type * as api_v1_crmOrganizations from "../api/v1/crmOrganizations.js";
import type * as api_v1_organization from "../api/v1/organization.js";
import type * as bootstrap from "../bootstrap.js";
import type * as crmOntology from "../crmOntology.js";
import type * as docsAssets from "../docsAssets.js";
import type * as expiry from "../expiry.js";
import type * as http from "../http.js";
import type * as kit_apiKeys from "../kit/apiKeys.js";
import type * as kit_caller from "../kit/caller.js";
import type * as kit_currencies from "../kit/currencies.js";
import type * as kit_customFields from "../kit/customFields.js";
import type * as kit_endpoint from "../kit/endpoint.js";
import type * as kit_errors from "../kit/errors.js";
import type * as kit_http_answer from "../kit/http/answer.js";
import type * as kit_http_app from "../kit/http/app.js";
import type * as kit_http_context from "../kit/http/context.js";
import type * as kit_http_cors from "../kit/http/cors.js";
import type * as kit_http_docs from "../kit/http/docs.js";
import type * as kit_http_health from "../kit/http/health.js";
import type * as kit_http_log from "../kit/http/log.js";
import type * as kit_http_mount from "../kit/http/mount.js";
import type * as kit_http_serve from "../kit/http/serve.js";
import type * as kit_idempotency from "../kit/idempotency.js";
import type * as kit_input from "../kit/input.js";
import type * as kit_limits from "../kit/limits.js";
import type * as kit_live from "../kit/live.js";
import type * as kit_metering from "../kit/metering.js";
import type * as kit_openapi from "../kit/openapi.js";
import type * as kit_organizationSettings from "../kit/organizationSettings.js";
import type * as kit_page from "../kit/page.js";
import type * as kit_scopes from "../kit/scopes.js";
import type * as kit_text from "../kit/text.js";
import type * as kit_tokens from "../kit/tokens.js";
import type * as kit_version from "../kit/version.js";
import type * as maintenance from "../maintenance.js";
import type * as ontology_address from "../ontology/address.js";
import type * as ontology_contact from "../ontology/contact.js";
import type * as ontology_contactInput from "../ontology/contactInput.js";
import type * as ontology_contactRules from "../ontology/contactRules.js";
import type * as ontology_contactView from "../ontology/contactView.js";
import type * as ontology_counts from "../ontology/counts.js";
import type * as ontology_crmOrganization from "../ontology/crmOrganization.js";
import type * as ontology_crmOrganizationRules from "../ontology/crmOrganizationRules.js";
import type * as ontology_definition from "../ontology/definition.js";
import type * as ontology_effects from "../ontology/effects.js";
import type * as ontology_list from "../ontology/list.js";
import type * as ontology_ranges from "../ontology/ranges.js";
import type * as ontology_reader from "../ontology/reader.js";
import type * as ontology_registry from "../ontology/registry.js";
import type * as ontology_store from "../ontology/store.js";
import type * as passwords from "../passwords.js";
import type * as schemas_coreSchemas from "../schemas/coreSchemas.js";
import type * as schemas_kitSchemas from "../schemas/kitSchemas.js";
import type * as schemas_ontologySchemas from "../schemas/ontologySchemas.js";
import type * as tenancy from "../tenancy.js";

/**
 * A utility for referencing Convex functions in your app's API.
 *
 * Usage:
 * ```js
 * const myFunctionReference = api.myModule.myFunction;
 * ```
 */
declare const fullApi: ApiFromModules<{
  "api/v1/apiKeys": typeof api_v1_apiKeys;
  "api/v1/contacts": typeof api_v1_contacts;
  "api/v1/crmOrganizations": typeof api_v1_crmOrganizations;
  "api/v1/organization": typeof api_v1_organization;
  bootstrap: typeof bootstrap;
  crmOntology: typeof crmOntology;
  docsAssets: typeof docsAssets;
  expiry: typeof expiry;
  http: typeof http;
  "kit/apiKeys": typeof kit_apiKeys;
  "kit/caller": typeof kit_caller;
  "kit/currencies": typeof kit_currencies;
  "kit/customFields": typeof kit_customFields;
  "kit/endpoint": typeof kit_endpoint;
  "kit/errors": typeof kit_errors;
  "kit/http/answer": typeof kit_http_answer;
  "kit/http/app": typeof kit_http_app;
  "kit/http/context": typeof kit_http_context;
  "kit/http/cors": typeof kit_http_cors;
  "kit/http/docs": typeof kit_http_docs;
  "kit/http/health": typeof kit_http_health;
  "kit/http/log": typeof kit_http_log;
  "kit/http/mount": typeof kit_http_mount;
  "kit/http/serve": typeof kit_http_serve;
  "kit/idempotency": typeof kit_idempotency;
  "kit/input": typeof kit_input;
  "kit/limits": typeof kit_limits;
  "kit/live": typeof kit_live;
  "kit/metering": typeof kit_metering;
  "kit/openapi": typeof kit_openapi;
  "kit/organizationSettings": typeof kit_organizationSettings;
  "kit/page": typeof kit_page;
  "kit/scopes": typeof kit_scopes;
  "kit/text": typeof kit_text;
  "kit/tokens": typeof kit_tokens;
  "kit/version": typeof kit_version;
  maintenance: typeof maintenance;
  "ontology/address": typeof ontology_address;
  "ontology/contact": typeof ontology_contact;
  "ontology/contactInput": typeof ontology_contactInput;
  "ontology/contactRules": typeof ontology_contactRules;
  "ontology/contactView": typeof ontology_contactView;
  "ontology/counts": typeof ontology_counts;
  "ontology/crmOrganization": typeof ontology_crmOrganization;
  "ontology/crmOrganizationRules": typeof ontology_crmOrganizationRules;
  "ontology/definition": typeof ontology_definition;
  "ontology/effects": typeof ontology_effects;
  "ontology/list": typeof ontology_list;
  "ontology/ranges": typeof ontology_ranges;
  "ontology/reader": typeof ontology_reader;
  "ontology/registry": typeof ontology_registry;
  "ontology/store": typeof ontology_store;
  passwords: typeof passwords;
  "schemas/coreSchemas": typeof schemas_coreSchemas;
  "schemas/kitSchemas": typeof schemas_kitSchemas;
  "schemas/ontologySchemas": typeof schemas_ontologySchemas;
  tenancy: typeof tenancy;
}>;
export declare const api: FilterApi<
  typeof fullApi,
  FunctionReference<any, "public">
>;
export declare const internal: FilterApi<
  typeof fullApi,
  FunctionReference<any, "internal">
>;
