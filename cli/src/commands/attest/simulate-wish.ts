// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import { suggestName } from "@bulwark/contracts/suggest-name";
import {
  adviseRelaunch,
  FAULTS,
  type Fault,
  type IntelWish,
  makeSnpWish,
  makeWish,
  type SnpWish,
} from "@bulwark/simulation";
import { type Call, readText } from "./action.ts";
import { MEASUREMENTS, type MeasurementName, type Tee, toFlag } from "./simulate-flags.ts";

const wrong = (message: string, mend: string): BulwarkError =>
  new BulwarkError("SIMULATION_WISH_INVALID", message, mend);

function readHex(flags: Call["flags"], name: string, bytes: number): Buffer | undefined {
  const text = readText(flags[name])?.replace(/^0x/, "");
  if (text === undefined) return undefined;
  if (new RegExp(`^[0-9a-fA-F]{${bytes * 2}}$`).test(text)) return Buffer.from(text, "hex");
  throw wrong(
    `${toFlag(name)} has ${text.length} characters, and is ${bytes} bytes, ${bytes * 2} hex digits.`,
    "count its digits",
  );
}

function readMeasurements(flags: Call["flags"], tee: Tee): Partial<Record<MeasurementName, Buffer>> {
  const given = Object.entries(MEASUREMENTS).flatMap(([name, row]) => {
    const value = readHex(flags, name, row.bytes);
    if (value !== undefined && row.tee !== tee) {
      throw wrong(`${toFlag(name)} belongs to ${row.tee}, and ${tee} was asked for.`, `add --tee ${row.tee}`);
    }
    return value === undefined ? [] : [[name, value]];
  });
  return Object.fromEntries(given);
}

const VERSIONS: Readonly<Record<Tee, readonly number[]>> = { sgx: [3, 5], tdx: [4, 5], snp: [2, 3, 5] };

function readVersion(flags: Call["flags"], tee: Tee): number | undefined {
  const text = readText(flags.quoteVersion);
  if (text === undefined) return undefined;
  if (VERSIONS[tee].includes(Number(text))) return Number(text);
  throw wrong(`--quote-version ${text} does not exist for ${tee}.`, `use one of ${VERSIONS[tee].join(", ")}`);
}

/** The fault of a name. */
export function readFault(flags: Call["flags"]): Fault | undefined {
  const name = readText(flags.fault);
  if (name === undefined) return undefined;
  const fault = Object.hasOwn(FAULTS, name) ? FAULTS[name] : undefined;
  if (fault !== undefined) return fault;
  const near = suggestName(name, Object.keys(FAULTS));
  throw wrong(
    `There is no fault ${name}.`,
    near === undefined ? "bulwark attest simulate --list-faults" : `did you mean --fault ${near}`,
  );
}

type Measured = ReturnType<typeof readMeasurements>;

/** A wish with the measurements that were asked for in place of its own. */
function measure(base: IntelWish, given: Measured, isvSvn: number): IntelWish {
  const {
    rtmr0,
    rtmr1,
    rtmr2,
    rtmr3,
    mrtd = base.domain.mrtd,
    mrconfigid = base.domain.mrconfigid,
    ...enclave
  } = given;
  const [own0, own1, own2, own3] = base.domain.rtmr;
  const rtmr = [rtmr0 ?? own0, rtmr1 ?? own1, rtmr2 ?? own2, rtmr3 ?? own3] as const;
  return {
    ...base,
    enclave: { ...base.enclave, ...enclave, isvSvn },
    domain: { ...base.domain, mrtd, mrconfigid, rtmr },
  };
}

/** A domain to be launched again, where that was asked for. */
function relaunch(wish: IntelWish, flags: Call["flags"]): IntelWish {
  if (flags.relaunch !== true) return wish;
  if (wish.tee === "tdx" && flags.quoteVersion !== "4") return adviseRelaunch(wish);
  throw wrong("--relaunch needs a trust domain of quote version 5.", "--tee tdx --quote-version 5 --relaunch");
}

/** Evidence of Intel's kinds as the flags want it. A fault decides the kind and version that it needs. */
export function readIntelWish(flags: Call["flags"], tee: "sgx" | "tdx", fault: Fault | undefined): IntelWish {
  const version = fault?.version ?? readVersion(flags, tee);
  const status = (name: string) => (flags[name] ?? "UpToDate") as IntelWish["status"];
  const base = makeWish(
    tee,
    {
      ...(version === undefined ? {} : { version: version as IntelWish["version"] }),
      status: status("status"),
      qeStatus: status("qeStatus"),
      moduleStatus: status("moduleStatus"),
      advisoryIds: Array.isArray(flags.advisory) ? flags.advisory.map(String) : [],
      reportData: readHex(flags, "reportData", 64) ?? Buffer.alloc(64),
    },
    readText(flags.name),
  );
  const isvSvn = readSvn(readText(flags.isvSvn)) ?? base.enclave.isvSvn;
  return relaunch(measure(base, readMeasurements(flags, tee), isvSvn), flags);
}

function readSvn(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw wrong(`--isv-svn ${text} is no whole number from 0 to 65535.`, "for instance --isv-svn 3");
}

/** A report of SEV-SNP as the flags want it. */
export function readSnpWish(flags: Call["flags"]): SnpWish {
  const version = readVersion(flags, "snp");
  const unfit = ["status", "qeStatus", "moduleStatus", "advisory", "fault", "isvSvn", "relaunch"].find(
    (name) => flags[name] !== undefined,
  );
  if (unfit !== undefined)
    throw wrong(`${toFlag(unfit)} has no meaning for snp.`, "leave it out, or ask for --tee sgx or tdx");
  const { measurement, hostData } = readMeasurements(flags, "snp");
  return makeSnpWish(
    {
      ...(version === undefined ? {} : { version: version as SnpWish["version"] }),
      reportData: readHex(flags, "reportData", 64) ?? Buffer.alloc(64),
      ...(measurement === undefined ? {} : { measurement }),
      ...(hostData === undefined ? {} : { hostData }),
    },
    readText(flags.name),
  );
}
