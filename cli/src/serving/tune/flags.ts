// SPDX-License-Identifier: Apache-2.0
import { type Command, InvalidArgumentError } from "commander";

/** Adds what `bulwark serving tune` takes. */
export function addTuneFlags(command: Command): void {
  command
    .argument("<model>", "a model file, or its folder NAME with NAME/VERSION/model.onnx")
    .option("--p99 <ms>", "the slowest that one request in a hundred may be", toNumber, 50)
    .option("--seconds <seconds>", "how long each is measured", toNumber, 1)
    .option("--cores <number>", "cores to share out; all when not given", toNumber)
    .option("--shape <name=sizes...>", "shape of an input of one request, such as x=1,3,224,224")
    .option("--write <file>", "settings of bulwark serve that get what was chosen; nothing is written without it");
}

function toNumber(text: string): number {
  const number = Number(text);
  if (text.trim() !== "" && Number.isFinite(number) && number > 0) return number;
  throw new InvalidArgumentError("Give a number above 0.");
}
