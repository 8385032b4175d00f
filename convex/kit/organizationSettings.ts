import { electronicFormatIBAN, isValidBIC, isValidIBAN } from "ibantools";
import * as z from "zod";
import { address } from "../ontology/addressInput";
import { keyProblem } from "./customFieldsInput";
import { withoutInvisible } from "./invisible";
import { currencyCode as currency, hourlyRate } from "./money";
import { reminderSettings } from "./reminderSettings";
import { emailAddress } from "./emailInput";
import { longText, label, text } from "./text";
import { once } from "./once";

/** IANA time zone, checked by the runtime's own database. */
export const timeZone = once(() =>
  text(64)
    .refine(isTimeZone, "must be an IANA time zone such as Europe/Berlin")
    .meta({ example: "Europe/Berlin" }),
);

/** A language, and where it matters a region: BCP 47. */
export const locale = once(() =>
  z
    .string()
    .max(35)
    .refine(isLocale, "must be a BCP 47 language tag such as de-DE")
    .meta({ example: "de-DE" }),
);

const origin = once(() =>
  z
    .string()
    .max(255)
    .refine(isOrigin, "must be an origin such as https://portal.example.com")
    .meta({ example: "https://portal.example.com" }),
);

const sender = once(() =>
  z.strictObject({
    name: label(200),
    email: emailAddress(),
    replyTo: emailAddress().optional(),
  }),
);

const bankDetails = once(() =>
  z.strictObject({
    accountHolder: label(200).optional(),
    iban: z
      .string()
      .max(42)
      .transform((iban) => electronicFormatIBAN(iban) ?? "")
      .refine((iban) => isValidIBAN(iban), "must be a valid IBAN (ISO 13616)")
      .optional(),
    bic: z
      .string()
      .trim()
      .toUpperCase()
      .refine((bic) => isValidBIC(bic), "must be a valid BIC (ISO 9362)")
      .optional(),
    bankName: label(200).optional(),
  }),
);

const taxIds = once(() =>
  z.strictObject({
    vatId: label(40).optional(),
    taxNumber: label(40).optional(),
    registrationNumber: label(60).optional(),
  }),
);

/** As the field's name is stored: a name that no field can have would show nothing, without a word. */
const fieldName = once(() =>
  z
    .string()
    .overwrite(withoutInvisible)
    .superRefine((name, context) => {
      const message = keyProblem(name);
      if (message !== null) context.addIssue({ code: "custom", message });
    }),
);

/** What an organization decides for itself; invoices, mail and CORS read it. */
export const organizationSettings = once(() =>
  z.strictObject({
    name: label(200),
    timeZone: timeZone(),
    currency: currency(),
    locale: locale(),
    sender: sender().optional(),
    address: address().optional(),
    bankDetails: bankDetails().optional(),
    taxIds: taxIds().optional(),
    legalName: label(200)
      .optional()
      .meta({ description: "As registered, where it is not the name; on invoices." }),
    invoiceFooter: longText(1000)
      .optional()
      .meta({ description: "Printed at the foot of the last page of every document." }),
    reminders: reminderSettings().optional(),
    paymentReceipts: z.boolean().optional().meta({
      description:
        "Whether customers get a receipt by e-mail when a payment settles an invoice; they do where it is absent.",
    }),
    magicLinkSignIn: z.boolean().optional().meta({
      description:
        "Whether members may sign in by a link that is mailed to them; they may where it is absent. Who belongs to several organizations may where none forbids it.",
    }),
    senderConnectionId: z.string().max(64).optional().meta({
      description:
        "The connected mailbox (`GET /auth/connections`) that mail goes out by, instead of the deployment's; the member whose it is gives it.",
    }),
    requireSecondFactor: z.boolean().optional().meta({
      description:
        "Whether members are let in by a second factor or a passkey alone; whoever switches it on has one. API keys and Clerk's sign-ins are not concerned.",
    }),
    hourlyRateInCents: hourlyRate().optional().meta({
      description: "Of an hour's work, in the currency; members and projects can have their own.",
    }),
    portalFields: z
      .array(fieldName())
      .max(50, "must have at most 50 entries")
      .overwrite((names) => [...new Set(names)])
      .optional()
      .meta({
        description:
          "The names of own fields (`customFields`) of projects, invoices, quotes and credit notes that customers see in the portal; they see none of the others.",
        example: ["deliveryWeek"],
      }),
    allowedOrigins: z.array(origin()).max(20, "must have at most 20 entries"),
  }),
);

function isTimeZone(name: string): boolean {
  return doesNotThrow(() => new Intl.DateTimeFormat("en", { timeZone: name }));
}

function isLocale(tag: string): boolean {
  return doesNotThrow(() => Intl.getCanonicalLocales(tag));
}

function isOrigin(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const url = new URL(value);
  // A wildcard would be compared to the letter, and never match.
  return /^https?:$/.test(url.protocol) && url.origin === value && !value.includes("*");
}

function doesNotThrow(attempt: () => unknown): boolean {
  try {
    attempt();
    return true;
  } catch {
    return false;
  }
}
