// SPDX-License-Identifier: Apache-2.0
export { type CallOptions, type Client, type ClientOptions, createClient, type InferCall } from "./client.ts";
export { createTransport, type Exchange, type Reply, type Target, type Transport } from "./transport.ts";
