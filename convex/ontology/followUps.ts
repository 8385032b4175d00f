import type { Id } from "../_generated/dataModel";
import { contactByEmail } from "./contactByEmail";
import { isOfType, type TenantReader } from "./reader";
import type { ObjectDoc, Properties } from "./registry";

/** Of the store that calls this, what it takes. */
type Linking = TenantReader & {
  update(
    user: ObjectDoc<"frontend_user">,
    changes: { customProperties: Partial<Properties<"frontend_user">> },
    verb: string,
  ): Promise<unknown>;
};

/**
 * What a new object, or one whose look-up key has changed, brings about in objects of other types:
 * in its own transaction, and whatever way it came in (a request, an import, a sync).
 */
export async function followUp(store: Linking, object: ObjectDoc): Promise<void> {
  if (isOfType(object, "crm_contact")) await linkPortalUser(store, object);
}

/** The portal user who was there before the contact that has their e-mail. */
async function linkPortalUser(store: Linking, contact: ObjectDoc<"crm_contact">): Promise<void> {
  if (contact.lookupKey === undefined) return;
  const user = await store.findByKey("frontend_user", contact.lookupKey);
  if (!user) return;
  const { email, crmContactId } = user.customProperties;
  const linked = await contactOfUser(store, email, crmContactId);
  await store.update(user, { customProperties: { crmContactId: linked } }, "linked");
}

/** A link stays while its contact lives, also when the contact's e-mail changes: staff set it then. */
export async function contactOfUser(
  reader: TenantReader,
  email: string,
  linked: Id<"objects"> | undefined,
): Promise<Id<"objects"> | undefined> {
  if (linked && (await reader.find("crm_contact", linked))) return linked;
  return (await contactByEmail(reader, email))?.contact._id;
}
