/**
 * Loads one bundled module in an isolate of its own, as Convex does for every call, and tells what that
 * took. Plain JavaScript: a worker that must be translated first would measure that as well.
 */
import vm from "node:vm";
import { parentPort, workerData } from "node:worker_threads";

const { entry, sources } = workerData;
const modules = new Map();

function moduleAt(path) {
  const made = modules.get(path) ?? new vm.SourceTextModule(sources[path], { identifier: path });
  modules.set(path, made);
  return made;
}

function link(specifier, from) {
  return moduleAt(new URL(specifier, `file:///${from.identifier}`).pathname.slice(1));
}

// Node loads these when they are first named, and Convex has them already: they are not the module's.
for (const name of ["fetch", "Headers", "Request", "Response", "FormData", "Blob", "crypto"]) {
  void globalThis[name];
}

const heapBefore = process.memoryUsage().heapUsed;
const before = process.cpuUsage();
const root = moduleAt(entry);
await root.link(link);
await root.evaluate();
const { user, system } = process.cpuUsage(before);
parentPort.postMessage({
  milliseconds: (user + system) / 1000,
  heapBytes: process.memoryUsage().heapUsed - heapBefore,
  sourceBytes: [...modules.keys()].reduce((sum, path) => sum + sources[path].length, 0),
  registers: Object.values(root.namespace).some(isRegistered),
});

/** A query, mutation or action, as the convex package marks them. */
function isRegistered(exported) {
  return (
    typeof exported === "function" &&
    ["isQuery", "isMutation", "isAction"].some((mark) => exported[mark])
  );
}
