/** `npm run bench`: figures of this machine, as tables. Ratios within one run are what to quote. */
import { parseArgs } from "node:util";
import { benchContacts } from "./bench/contacts";

const HELP = `Usage: npm run bench -- [options]

  --sizes 1000,10000,100000   contacts in the organization at each measurement
  --help                      this text

Fills a temporary data folder and measures Freehold beside a bare Fastify + lmdb server.
With the default sizes it takes some ten minutes.`;

const { values } = parseArgs({
  options: {
    sizes: { type: "string", default: "1000,10000,100000" },
    help: { type: "boolean", default: false },
  },
});

if (values.help) console.log(HELP);
else await benchContacts(values.sizes.split(",").map(Number));
