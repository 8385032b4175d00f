import { cronJobs } from "convex/server";
import { internal } from "./_generated/api";

const crons = cronJobs();

// Writes schedule folds by chance; this one takes up what the last of them left.
crons.interval("fold counts", { minutes: 1 }, internal.maintenance.foldCounts, {});
crons.interval("clean up", { hours: 1 }, internal.maintenance.cleanUp, {});

export default crons;
