// SPDX-License-Identifier: Apache-2.0
export { openWebhooks, type WebhookSettings } from "./open.ts";
export type { Ended, Webhooks } from "./webhooks.ts";
