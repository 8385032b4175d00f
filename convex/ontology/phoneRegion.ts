import type { Doc } from "../_generated/dataModel";
import { countryCode } from "../delivery/eInvoice/codes";
import { isRegion, type Region } from "../kit/phone";

/** Where an organization's phone numbers without a country code are dialled: in its own country. */
export function phoneRegionOf({
  phoneRegion,
  address,
}: Pick<Doc<"organizations">, "phoneRegion" | "address">): Region | null {
  if (phoneRegion === undefined) return regionOfCountry(address?.country);
  return isRegion(phoneRegion) ? phoneRegion : null;
}

/** As it is kept on the organization: names of countries take long to look up. Empty for none. */
export function regionOfCountry(country: string | undefined): Region | null {
  const text = country?.trim().toUpperCase() ?? "";
  if (isRegion(text)) return text;
  const code = text === "" ? undefined : countryCode(country);
  return code !== undefined && isRegion(code) ? code : null;
}
