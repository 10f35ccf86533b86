// SPDX-License-Identifier: Apache-2.0
import { type Command, Option } from "commander";

const STATUSES = [
  "UpToDate",
  "SWHardeningNeeded",
  "ConfigurationNeeded",
  "ConfigurationAndSWHardeningNeeded",
  "OutOfDate",
  "OutOfDateConfigurationNeeded",
  "Revoked",
] as const;

export type Tee = "sgx" | "tdx" | "snp";

/** Measurements that can be asked for: their flag, whose they are, and their bytes. */
export const MEASUREMENTS = {
  mrenclave: { tee: "sgx", bytes: 32 },
  mrsigner: { tee: "sgx", bytes: 32 },
  configId: { tee: "sgx", bytes: 64 },
  mrtd: { tee: "tdx", bytes: 48 },
  rtmr0: { tee: "tdx", bytes: 48 },
  rtmr1: { tee: "tdx", bytes: 48 },
  rtmr2: { tee: "tdx", bytes: 48 },
  rtmr3: { tee: "tdx", bytes: 48 },
  mrconfigid: { tee: "tdx", bytes: 48 },
  measurement: { tee: "snp", bytes: 48 },
  hostData: { tee: "snp", bytes: 32 },
} as const;

export type MeasurementName = keyof typeof MEASUREMENTS;

/** `configId` -> `--config-id`. */
export const toFlag = (name: string): string => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** Adds the flags that say what the evidence shall be. */
export function addWishFlags(command: Command): Command {
  command
    .addOption(new Option("--tee <name>", "kind of TEE").choices(["sgx", "tdx", "snp"]).default("tdx"))
    .option("--quote-version <number>", "sgx: 3 or 5; tdx: 4 or 5; snp: 2, 3 or 5")
    .option(
      "--name <word>",
      "measurements of a workload of this name: the same word gives the same measurements",
      "workload",
    )
    .option("--report-data <hex>", "64 bytes; zeros when left out");
  for (const [name, { tee, bytes }] of Object.entries(MEASUREMENTS)) {
    command.option(`${toFlag(name)} <hex>`, `${tee}: ${bytes} bytes`);
  }
  for (const [name, what] of [
    ["status", "the platform"],
    ["qe-status", "the quoting enclave"],
    ["module-status", "the TDX module"],
  ]) {
    command.addOption(new Option(`--${name} <status>`, `TCB status of ${what}`).choices(STATUSES));
  }
  return command
    .option("--advisory <ids...>", "advisories of the platform's TCB level")
    .option("--relaunch", "tdx: the host was updated under the domain, so TDRelaunchAdvised; quote version 5")
    .option("--isv-svn <number>", "sgx: security version of the enclave")
    .option("--fault <name>", "evidence that is right but for one thing; --list-faults names them")
    .option("--list-faults", "list the faults and the code that each must be refused with");
}
