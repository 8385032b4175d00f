"use node";

import {
  type EInvoiceFormat,
  FormatFactoryService,
  type Invoice,
  type InvoiceServiceOptions,
  invoiceSchema,
  ValidationService,
} from "@e-invoice-eu/core";
import { Ajv2019, type ValidateFunction } from "ajv/dist/2019.js";

const logger = {
  log: () => undefined,
  warn: (message: string) => {
    console.warn(message);
  },
  error: (message: string) => {
    console.error(message);
  },
};

const formats = new FormatFactoryService();
const validation = new ValidationService(logger);
/** By the name of the format. */
const validators = new Map<string, ValidateFunction<Invoice>>();

/**
 * An invoice in one of the library's formats: what its `InvoiceService` does, which compiles its
 * schema anew for each invoice: half a second of code, most of what an e-invoice takes.
 * @throws what the schema says against the invoice
 */
export async function generate(
  input: Invoice,
  options: InvoiceServiceOptions,
): Promise<string | Uint8Array> {
  const format = formats.createFormatService(options.format, logger);
  const name = formats.normalizeFormat(options.format);
  // The schema's defaults are written into what is validated.
  const copy = structuredClone(input);
  const invoice = validation.validate("invoice data", validatorOf(name, format), copy);
  format.fillInvoiceDefaults(invoice);
  return await format.generate(invoice, { ...options, format: name });
}

function validatorOf(name: string, format: EInvoiceFormat): ValidateFunction<Invoice> {
  const known = validators.get(name);
  if (known !== undefined) return known;
  const schema = structuredClone(invoiceSchema);
  format.patchSchema(schema);
  const ajv = new Ajv2019({ strict: true, allErrors: true, useDefaults: true });
  const validator = ajv.compile(schema);
  validators.set(name, validator);
  return validator;
}
