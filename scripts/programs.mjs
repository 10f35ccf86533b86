// SPDX-License-Identifier: Apache-2.0
// The programs a machine must have by itself. Plain JavaScript: it runs before anything is installed.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PINS = JSON.parse(readFileSync(join(ROOT, "versions.json"), "utf8"));

/** Something missing on this machine, with what to do about it. */
export class MissingProgram extends Error {
  /** @param {string} message @param {string} mend */
  constructor(message, mend) {
    super(message);
    this.mend = mend;
  }
}

/** Every program by name: undefined when it fits, else what is wrong. */
const PROGRAMS = {
  npm: () => {
    if (ask("npm", ["--version"]) !== undefined) return undefined;
    return new MissingProgram("There is no npm.", "Install Node 20 or newer together with npm: apt-get install npm");
  },
  python: () => {
    const minimum = PINS.python.minimum;
    const found = /Python (\d+\.\d+)/.exec(ask("python3", ["--version"]) ?? "")?.[1];
    if (found !== undefined && compareVersions(found, minimum) >= 0) return undefined;
    return new MissingProgram(
      found === undefined ? "There is no python3." : `python3 is of version ${found}; ${minimum} is the least.`,
      `Install Python ${minimum} or newer with its venv module: apt-get install python3 python3-venv`,
    );
  },
  jdk: () => {
    const { minimum } = PINS.java;
    const javaHome = process.env.JAVA_HOME;
    const javac = javaHome ? join(javaHome, "bin", "javac") : "javac";
    const found = Number(/javac (\d+)/.exec(ask(javac, ["-version"]) ?? "")?.[1] ?? 0);
    if (found >= minimum) return undefined;
    const where = javaHome ? ` where JAVA_HOME points (${javaHome})` : "";
    return new MissingProgram(
      found === 0 ? `There is no javac${where}.` : `javac${where} is of version ${found}; ${minimum} is the least.`,
      `Install a JDK ${minimum} or newer, or set JAVA_HOME to one: apt-get install openjdk-${minimum}-jdk-headless`,
    );
  },
};

/**
 * What is missing of the programs named.
 *
 * @param {readonly (keyof typeof PROGRAMS)[]} names
 * @returns {MissingProgram[]}
 */
export function findMissing(names) {
  return names.map((name) => PROGRAMS[name]()).filter((missing) => missing !== undefined);
}

/** @param {string} one @param {string} two both `major.minor` */
export function compareVersions(one, two) {
  const [major, minor] = one.split(".").map(Number);
  const [otherMajor, otherMinor] = two.split(".").map(Number);
  return major - otherMajor || minor - otherMinor;
}

/** What a program writes about itself, or undefined when it cannot be started. */
function ask(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  return status === 0 ? `${stdout}${stderr}` : undefined;
}
