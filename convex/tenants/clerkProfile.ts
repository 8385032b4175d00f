import * as z from "zod";
import { emailAddress } from "../kit/email";

/** What is taken of a token's claims about its user; one that is no name or no address says nothing. */
export const clerkProfile = z.object({
  name: z.string().trim().min(1).max(200).optional().catch(undefined),
  email: emailAddress.optional().catch(undefined),
});
