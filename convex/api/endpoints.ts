import { incomingIn } from "../kit/incomingWebhook";
import { endpointsIn } from "../kit/mount";
import { modules } from "./modules";

/** Every endpoint: its definition brings its own route. */
export const endpoints = endpointsIn(modules);

/** What providers call: signed webhooks. */
export const incomingWebhooks = incomingIn(modules);
