import { commentType } from "./comment/type";
import { contactType } from "./contact/type";
import { creditNoteType } from "../ontology/creditNote";
import { frontendUserType } from "../ontology/frontendUser";
import { invoiceType } from "../ontology/invoice";
import { paymentType } from "../ontology/payment";
import { quoteType } from "../ontology/quote";
import { recurringInvoiceType } from "../ontology/recurringInvoice";
import { crmOrganizationType } from "./crmOrganization/type";
import { projectType } from "./project/type";
import { projectTemplateType } from "./projectTemplate/type";
import { taskType } from "./task/type";
import { taskLabelType } from "./taskLabel/type";

/**
 * Every object type. A new one is a folder of this one and a line here.
 * A device's push makes them in this order: each stands after those that it refers to.
 */
export const objectTypes = {
  crm_organization: crmOrganizationType,
  crm_contact: contactType,
  frontend_user: frontendUserType,
  project: projectType,
  task_label: taskLabelType,
  task: taskType,
  project_template: projectTemplateType,
  quote: quoteType,
  recurring_invoice: recurringInvoiceType,
  invoice: invoiceType,
  credit_note: creditNoteType,
  payment: paymentType,
  comment: commentType,
};
