// SPDX-License-Identifier: Apache-2.0
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { runProgram } from "../../../scripts/run-program.ts";

/** A program of the machine's own that the cluster needs, and the Debian package that brings it. */
type Needed = { path: string; package: string };

/** Where the CNI plugins of the package lie. */
export const CNI_PLUGINS = "/usr/lib/cni";

const NEEDED: readonly Needed[] = [
  { path: "containerd", package: "containerd" },
  { path: "runc", package: "runc" },
  { path: join(CNI_PLUGINS, "bridge"), package: "containernetworking-plugins" },
  { path: "buildah", package: "buildah" },
  { path: "debootstrap", package: "debootstrap" },
  { path: "iptables", package: "iptables" },
  { path: "ip", package: "iproute2" },
  { path: "openssl", package: "openssl" },
  { path: "unshare", package: "util-linux" },
  { path: "gcc", package: "gcc" },
  { path: "/usr/include/stdlib.h", package: "libc6-dev" },
];

/** Administrators' folders, which are not in everybody's PATH. */
const SEARCHED = [...(process.env.PATH ?? "").split(delimiter), "/usr/local/sbin", "/usr/sbin", "/sbin"];

/** The Debian packages that are missing on this machine. */
export async function missingPackages(): Promise<string[]> {
  const missing: string[] = [];
  for (const needed of NEEDED) if (!(await isThere(needed.path))) missing.push(needed.package);
  return missing;
}

/** Installs what is missing. Their services are not started: a node starts its own. */
export async function installPackages(packages: readonly string[]): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  const install = ["install", "--yes", "--no-install-recommends", ...packages];
  try {
    await runProgram("apt-get", install, { env });
  } catch {
    // The machine's package lists may be older than the archive.
    await runProgram("apt-get", ["update"], { env });
    await runProgram("apt-get", install, { env });
  }
}

async function isThere(path: string): Promise<boolean> {
  const candidates = path.startsWith("/") ? [path] : SEARCHED.map((folder) => join(folder, path));
  for (const candidate of candidates) {
    if (
      await access(candidate).then(
        () => true,
        () => false,
      )
    )
      return true;
  }
  return false;
}
