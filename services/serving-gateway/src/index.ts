// SPDX-License-Identifier: Apache-2.0
export { DEFAULT_CONFIG, type GatewayConfig, parseConfig } from "./config.ts";
export { type Started, startGateway } from "./start.ts";
