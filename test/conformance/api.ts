/** References to the functions of `convex/`, typed by their modules. */
import { anyApi, type ApiFromModules } from "convex/server";
import type * as actions from "./convex/actions";
import type * as errors from "./convex/errors";
import type * as identity from "./convex/identity";
import type * as limits from "./convex/limits";
import type * as meta from "./convex/meta";
import type * as reset from "./convex/reset";
import type * as rows from "./convex/rows";
import type * as schedule from "./convex/schedule";
import type * as search from "./convex/search";
import type * as stamps from "./convex/stamps";
import type * as storage from "./convex/storage";
import type * as transactions from "./convex/transactions";
import type * as validation from "./convex/validation";

export const api = anyApi as unknown as ApiFromModules<{
  actions: typeof actions;
  errors: typeof errors;
  identity: typeof identity;
  limits: typeof limits;
  meta: typeof meta;
  reset: typeof reset;
  rows: typeof rows;
  schedule: typeof schedule;
  search: typeof search;
  stamps: typeof stamps;
  storage: typeof storage;
  transactions: typeof transactions;
  validation: typeof validation;
}>;
