import * as z from "zod";
import { contactCreation, contactUpdate } from "./contactInput";
import { contactByEmail } from "./contactByEmail";
import { changeContact, saveContact } from "./contactRules";
import {
  changeCrmOrganization,
  createCrmOrganization,
  crmOrganizationCreation,
  crmOrganizationUpdate,
} from "./crmOrganizationRules";
import { syncedType } from "./synced";

const { organizationInfo: _info, ...creationFields } = contactCreation.shape;

/** A device names the CRM organization by its id, not by what it knows of it. */
const syncedContactCreation = z
  .strictObject({ ...creationFields, crmOrganizationId: z.string().max(64).optional() })
  .refine((c) => c.firstName ?? c.lastName ?? c.company ?? c.email, {
    path: ["firstName"],
    message: "is required when lastName, company and email are missing too",
  });

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

export const syncedCrmOrganization = syncedType({
  type: "crm_organization",
  references: [],
  creation: crmOrganizationCreation,
  update: crmOrganizationUpdate,
  async create({ store }, fields) {
    return await createCrmOrganization(store, fields);
  },
  async change({ store }, organization, fields) {
    return await changeCrmOrganization(store, organization, fields);
  },
  async remove({ store }, organization) {
    await store.remove(organization);
  },
});
