// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import { LUA } from "./generated/lua.ts";

/** A Lua step of Redis, with the digest it is called by. */
export type Script = { text: string; sha1: string };

const toScript = (text: string): Script => ({ text, sha1: createHash("sha1").update(text).digest("hex") });

/** Every step by name. The files in `lua/` say in their names how many keys each takes, in their heads which. */
export const SCRIPTS = {
  admit: toScript(LUA["admit-4"]),
  take: toScript(LUA["take-3"]),
  finish: toScript(LUA["finish-6+2"]),
  lose: toScript(LUA["lose-2"]),
  withdraw: toScript(LUA["withdraw-4"]),
  revive: toScript(LUA["revive-5"]),
  beat: toScript(LUA["beat-3"]),
  leave: toScript(LUA["leave-6"]),
  refused: toScript(LUA["refused-0"]),
  orders: toScript(LUA["orders-1"]),
  hear: toScript(LUA["hear-0"]),
} as const;
