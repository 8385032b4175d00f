import { defineSchema } from "convex/server";
import { coreTables } from "./schemas/coreSchemas";
import { kitTables } from "./schemas/kitSchemas";
import { ontologyTables } from "./schemas/ontologySchemas";

export default defineSchema({ ...coreTables, ...ontologyTables, ...kitTables });
