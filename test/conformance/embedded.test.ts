// @vitest-environment node
import { startEmbedded } from "./hosts/embedded";
import { subjects } from "./cases";
import { runSuite } from "./suite";

runSuite("embedded", startEmbedded, subjects);
