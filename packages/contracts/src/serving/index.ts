// SPDX-License-Identifier: Apache-2.0
export { checkGatewaySettings } from "./check-gateway.ts";
export type { GatewaySettings } from "./gateway-settings.ts";
