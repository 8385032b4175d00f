// @vitest-environment node
import { startConvexTest } from "./hosts/convexTest";
import { subjects } from "./cases";
import { runSuite } from "./suite";

runSuite("convex-test", startConvexTest, subjects);
