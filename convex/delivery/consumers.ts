import type { Consumer } from "./consumer";
import { inbox } from "./inbox";
import { receipts } from "./receipts";
import { paymentConsumer } from "../payments/consumer";
import { taskNews } from "../tasks/news";
import { webhookConsumer } from "./webhookConsumer";

export const consumers: readonly Consumer[] = [
  webhookConsumer,
  paymentConsumer,
  receipts,
  inbox,
  taskNews,
];
