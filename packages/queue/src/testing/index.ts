// SPDX-License-Identifier: Apache-2.0
export { findRedisPrograms, type RedisProgram, startTestRedis, type TestRedis } from "./redis-server.ts";
