import { linkPortalUser } from "./frontendUserRules";
import { isOfType } from "./reader";
import type { ObjectDoc } from "./registry";
import type { ObjectStore } from "./store";

/**
 * What a new object, or one whose look-up key has changed, brings about in objects of other types:
 * in its own transaction, and whatever way it came in (a request, an import, a sync).
 */
export async function followUp(store: ObjectStore, object: ObjectDoc): Promise<void> {
  if (isOfType(object, "crm_contact")) await linkPortalUser(store, object);
}
