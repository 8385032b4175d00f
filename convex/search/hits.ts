import type { QueryCtx } from "../_generated/server";
import { MAX_BYTES } from "../kit/page";
import { definitionOf } from "../ontology/derived";
import { portalPage } from "../ontology/portalObjects";
import type { PortalViewer } from "../ontology/portalRules";
import { type Tenant, TenantReader } from "../ontology/reader";
import { objectTypes, type ObjectType } from "../ontology/registry";
import {
  type Extent,
  type Hit,
  type Hits,
  ranked,
  searchedObjects,
} from "../ontology/searchedRows";
import { type Selection, selectionOf } from "../ontology/selection";
import { seenSelection } from "../ontology/sight";
import type { Question } from "./question";

export const OBJECT_TYPES = Object.keys(objectTypes) as ObjectType[];

/** Of a customer's objects of a type, so many of the latest are looked through. */
export const MAX_OF_CUSTOMER = 500;

/**
 * The living objects of a type that answer the question, the best first: what the caller may see of them,
 * found by what they may see alone.
 */
export async function hitsOf<T extends ObjectType>(
  ctx: QueryCtx,
  tenant: Tenant,
  type: T,
  question: Question,
  { selection = selectionOf({}), ...extent }: Extent & { selection?: Selection } = {},
): Promise<Hits<T>> {
  const { viewer, organizationId } = tenant;
  const { sight } = new TenantReader(ctx, tenant);
  const seen = await seenSelection(sight, type, selection);
  const found = viewer
    ? await hitsOfCustomer(ctx, tenant, viewer, type, question, seen.selection)
    : await searchedObjects(ctx, organizationId, type, question, seen.selection, extent);
  const hits: Hit<T>[] = [];
  for (const hit of found.hits) if (await sight.sees(hit.object)) hits.push(hit);
  return { hits, isCapped: found.isCapped };
}

/** A customer's objects are few, and reached through the links to their contact: no index has them. */
async function hitsOfCustomer<T extends ObjectType>(
  ctx: QueryCtx,
  { organizationId }: Tenant,
  viewer: PortalViewer,
  type: T,
  question: Question,
  selection: Selection,
): Promise<Hits<T>> {
  if (!definitionOf(type).portal) return { hits: [], isCapped: false };
  const { page, isDone } = await portalPage(
    ctx,
    organizationId,
    viewer,
    type,
    { selection },
    {
      ...{ numItems: MAX_OF_CUSTOMER, cursor: null },
      maximumBytesRead: MAX_BYTES / OBJECT_TYPES.length,
    },
  );
  return { hits: ranked(page, question), isCapped: !isDone };
}
