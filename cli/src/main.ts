// SPDX-License-Identifier: Apache-2.0
import { COMMANDS } from "./commands/index.ts";
import { runTool } from "./frame/run-tool.ts";

await runTool(process, COMMANDS);
