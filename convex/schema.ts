import { defineSchema } from "convex/server";
import { accountMailTables } from "./schemas/accountMailSchemas";
import { accountTables } from "./schemas/accountSchemas";
import { attachmentTables } from "./schemas/attachmentSchemas";
import { auditTables } from "./schemas/auditSchemas";
import { taskTables } from "./schemas/taskSchemas";
import { boardTables } from "./schemas/boardSchemas";
import { commentTables } from "./schemas/commentSchemas";
import { coreTables } from "./schemas/coreSchemas";
import { crmTables } from "./schemas/crmSchemas";
import { deliveryTables } from "./schemas/deliverySchemas";
import { documentTables } from "./schemas/documentSchemas";
import { favoriteTables } from "./schemas/favoriteSchemas";
import { invoicingTables } from "./schemas/invoicingSchemas";
import { kitTables } from "./schemas/kitSchemas";
import { notificationTables } from "./schemas/notificationSchemas";
import { oauthTables } from "./schemas/oauthSchemas";
import { personTables } from "./schemas/personSchemas";
import { paymentTables } from "./schemas/paymentSchemas";
import { portalTables } from "./schemas/portalSchemas";
import { secondFactorTables } from "./schemas/secondFactorSchemas";
import { signingKeyTables } from "./schemas/signingKeySchemas";
import { syncTables } from "./schemas/syncSchemas";
import { templateTables } from "./schemas/templateSchemas";
import { teamTables } from "./schemas/teamSchemas";
import { timeTables } from "./schemas/timeSchemas";
import { ontologyTables } from "./schemas/ontologySchemas";

export default defineSchema({
  ...coreTables,
  ...ontologyTables,
  ...auditTables,
  ...portalTables,
  ...crmTables,
  ...invoicingTables,
  ...deliveryTables,
  ...paymentTables,
  ...documentTables,
  ...kitTables,
  ...syncTables,
  ...attachmentTables,
  ...notificationTables,
  ...accountTables,
  ...accountMailTables,
  ...signingKeyTables,
  ...secondFactorTables,
  ...oauthTables,
  ...personTables,
  ...boardTables,
  ...taskTables,
  ...favoriteTables,
  ...teamTables,
  ...templateTables,
  ...timeTables,
  ...commentTables,
});
