import { contactUpdate, syncedContactCreation } from "../types/contact/input";
import { contactByEmail } from "./contactByEmail";
import { changeContact, saveContact } from "./contactRules";
import { syncedType } from "./synced";

export const syncedContact = syncedType({
  type: "crm_contact",
  references: ["crmOrganizationId"],
  creation: syncedContactCreation,
  update: contactUpdate,
  async create({ store }, { crmOrganizationId, ...fields }) {
    const employer =
      crmOrganizationId === undefined
        ? {}
        : { crmOrganizationId: (await store.require("crm_organization", crmOrganizationId))._id };
    return (await saveContact(store, fields, undefined, () => employer)).contact;
  },
  async change({ store }, contact, fields) {
    return await changeContact(store, contact, fields);
  },
  async remove({ store }, contact) {
    await store.remove(contact);
  },
  async twin({ store }, { email }) {
    return email === undefined ? null : ((await contactByEmail(store, email))?.contact ?? null);
  },
});
