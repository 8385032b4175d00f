import { actions } from "./actions";
import { bounds } from "./bounds";
import { documents } from "./documents";
import { errors } from "./errors";
import { filtering } from "./filters";
import { http } from "./http";
import { identity } from "./identity";
import { limits } from "./limits";
import { meta } from "./meta";
import { ordering } from "./ordering";
import { pagination } from "./pagination";
import { reading } from "./reading";
import { schedule } from "./schedule";
import { search } from "./search";
import { stamps } from "./stamps";
import { storage } from "./storage";
import { transactions } from "./transactions";
import { validation } from "./validation";

export const subjects = [
  ordering,
  bounds,
  filtering,
  reading,
  pagination,
  documents,
  transactions,
  stamps,
  validation,
  limits,
  errors,
  actions,
  http,
  schedule,
  search,
  meta,
  storage,
  identity,
];
