// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";

/** Something a machine may lack and its package manager brings. */
export type Need = "java" | "python" | "venv";

type Family = { ids: readonly string[]; install: string; packages: (version: number) => Record<Need, string> };

// Debian 12 and Ubuntu carry 17; Debian 13 and later start at 21.
const debianJava = (version: number) => (version >= 13 && version < 18 ? "openjdk-21" : "openjdk-17");

const FAMILIES: readonly Family[] = [
  {
    ids: ["debian", "ubuntu"],
    install: "sudo apt-get install -y",
    packages: (version) => ({
      java: `${debianJava(version)}-jdk-headless`,
      python: "python3 python3-venv",
      venv: "python3-venv",
    }),
  },
  {
    ids: ["fedora", "rhel", "centos"],
    install: "sudo dnf install -y",
    packages: () => ({ java: "java-21-openjdk-devel", python: "python3.11", venv: "python3-pip" }),
  },
  {
    ids: ["alpine"],
    install: "sudo apk add",
    packages: () => ({ java: "openjdk21", python: "python3", venv: "py3-pip" }),
  },
  {
    ids: ["arch"],
    install: "sudo pacman -S",
    packages: () => ({ java: "jdk21-openjdk", python: "python", venv: "python" }),
  },
  {
    ids: ["suse", "opensuse"],
    install: "sudo zypper install",
    packages: () => ({ java: "java-21-openjdk-devel", python: "python311", venv: "python311" }),
  },
  {
    ids: ["darwin"],
    install: "brew install",
    packages: () => ({ java: "openjdk@21", python: "python@3.12", venv: "python@3.12" }),
  },
];

/** Reads `/etc/os-release`; empty where there is none. */
export function readOsRelease(): string {
  try {
    return readFileSync("/etc/os-release", "utf8");
  } catch {
    return process.platform === "darwin" ? "ID=darwin" : "";
  }
}

/**
 * The command that installs what is missing, by the fields ID, ID_LIKE and VERSION_ID of os-release(5).
 * Names the thing without a command on a system that is not known.
 */
export function installCommand(need: Need, osRelease: string = readOsRelease()): string {
  const field = (name: string) => new RegExp(`^${name}="?([^"\\n]*)"?$`, "m").exec(osRelease)?.[1] ?? "";
  const ids = [field("ID"), ...field("ID_LIKE").split(" ")].filter((id) => id !== "");
  const family = FAMILIES.find((one) => ids.some((id) => one.ids.includes(id)));
  if (family === undefined) {
    return { java: "install a JDK 17 or newer", python: "install Python 3.10 or newer", venv: "install Python's venv" }[
      need
    ];
  }
  return `${family.install} ${family.packages(Number.parseInt(field("VERSION_ID"), 10) || 0)[need]}`;
}
