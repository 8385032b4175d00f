import { emailKey } from "../kit/email";
import type { TenantReader } from "./reader";
import type { ObjectDoc } from "./registry";

/** By what a contact was found; `merged` is an e-mail of one that was merged into it. */
export type Known = {
  contact: ObjectDoc<"crm_contact">;
  by: "email" | "merged" | "card" | "phone";
};

/** The contact whose e-mail it is, else the one into which that contact was merged. */
export async function contactByEmail(reader: TenantReader, email: string): Promise<Known | null> {
  const key = emailKey(email);
  const own = await reader.findByKey("crm_contact", key);
  if (own) return { contact: own, by: "email" };
  const merged = await reader.findByOtherKey("crm_contact", key);
  return merged ? { contact: merged, by: "merged" } : null;
}
