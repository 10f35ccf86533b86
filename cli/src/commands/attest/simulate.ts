// SPDX-License-Identifier: Apache-2.0
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { BulwarkError, type ErrorCode } from "@bulwark/contracts/errors";
import type { IntelWish } from "@bulwark/simulation";
import type { Column, Context, Result } from "../../command.ts";
import { writeFileWhole } from "../../runs/files.ts";
import { type Action, type Call, readText } from "./action.ts";
import { readInstant } from "./judge.ts";
import { presentRows } from "./rows.ts";
import { addWishFlags } from "./simulate-flags.ts";

/** Evidence, what belongs to it, and the measurements that a policy would allow. */
type Made = {
  evidence: Buffer;
  collateral: object;
  rootPem: string;
  allow: Readonly<Record<string, string | number>>;
  tee: string;
  /** Lowest versions, for SEV-SNP. */
  snpMinimum?: Readonly<Record<string, number>>;
  /** The code that it must be refused with, when a fault was asked for. */
  code?: ErrorCode;
};

const hex = (bytes: Buffer): string => bytes.toString("hex");
/** None of it is secret. */
const MODE = 0o644;

function allowIntel({ tee, enclave, domain }: IntelWish): Made["allow"] {
  if (tee === "sgx") return { mrenclave: hex(enclave.mrenclave) };
  const [rtmr0, rtmr1, rtmr2] = domain.rtmr;
  const { mrtd, mrconfigid } = domain;
  return { mrtd: hex(mrtd), rtmr0: hex(rtmr0), rtmr1: hex(rtmr1), rtmr2: hex(rtmr2), mrconfigid: hex(mrconfigid) };
}

async function makeIntel(context: Context, { flags }: Call, now: Date): Promise<Made> {
  const [{ exportRoot, simulateIntel }, { readFault, readIntelWish }, { openRoot }] = await Promise.all([
    import("@bulwark/simulation"),
    import("./simulate-wish.ts"),
    import("./simulate-root.ts"),
  ]);
  const fault = readFault(flags);
  const tee = fault === undefined ? (flags.tee as "sgx" | "tdx") : (fault.tee ?? "sgx");
  const right = readIntelWish(flags, tee, fault);
  const root = await openRoot(context, "intel");
  const signer = fault?.under?.(root, now) ?? root;
  const made = simulateIntel(signer, fault?.wish?.(right) ?? right, { now, adjust: fault?.adjust ?? {} });
  return {
    ...made,
    // A fault of trust keeps the root that is trusted; another may have needed the root's certificate made anew.
    rootPem: fault?.under === undefined ? made.rootPem : exportRoot(root).certificatePem,
    allow: allowIntel(right),
    tee: `sim-${tee}`,
    ...(fault === undefined ? {} : { code: fault.code }),
  };
}

async function makeSnp(context: Context, { flags }: Call, now: Date): Promise<Made> {
  const [{ createSnpIntermediate, simulateSnp }, { readSnpWish }, { openRoot }] = await Promise.all([
    import("@bulwark/simulation"),
    import("./simulate-wish.ts"),
    import("./simulate-root.ts"),
  ]);
  const wish = readSnpWish(flags);
  const root = await openRoot(context, "amd");
  const step = context.progress.step("Making keys of 4096 bits");
  const made = simulateSnp(root, createSnpIntermediate(root, { now }), wish, { now });
  step.done();
  const { bootLoader: bootloader, tee, snp, microcode } = wish.tcb;
  const snpMinimum = { bootloader, tee, snp, microcode };
  return { ...made, allow: { measurement: hex(wish.measurement) }, tee: "sim-sev-snp", snpMinimum };
}

/** A policy that accepts right evidence of this kind and nothing else. */
function renderPolicy({ allow, snpMinimum = {} }: Made, name: string, rootFingerprint: string): string {
  const list = (values: object): string[] => Object.entries(values).map(([key, value]) => `    ${key}: ${value}`);
  const versions = list(snpMinimum);
  return [
    "# Accepts simulated evidence of this workload, for tests. It protects nothing.",
    `name: simulation of ${name}`,
    "allow:",
    `  ${name}:`,
    ...list(allow),
    ...(versions.length === 0 ? [] : ["tcb:", "  snpMinimum:", ...versions]),
    "simulation:",
    `  root: ${rootFingerprint}`,
    "",
  ].join("\n");
}

async function save(folder: string, files: Readonly<Record<string, string | Buffer>>): Promise<string[]> {
  try {
    await mkdir(folder, { recursive: true });
    for (const [name, content] of Object.entries(files)) await writeFileWhole(join(folder, name), content, MODE);
    return Object.keys(files).map((name) => join(folder, name));
  } catch (cause) {
    const mend = "name a folder that you may write: --to DIR";
    throw new BulwarkError("COLLATERAL_UNWRITABLE", `${folder} cannot be written.`, mend, { cause });
  }
}

type FaultRow = { name: string; step: string; code: string; about: string };
const FAULT_COLUMNS: readonly Column<FaultRow>[] = [
  { heading: "STEP", cell: (row) => row.step },
  { heading: "FAULT", cell: (row) => row.name },
  { heading: "REFUSED WITH", cell: (row) => row.code },
  { heading: "WHAT IS WRONG", cell: (row) => row.about },
];

async function listFaults(): Promise<Result> {
  const { FAULTS } = await import("@bulwark/simulation");
  const rows: FaultRow[] = Object.entries(FAULTS).map(([name, { step, code, about }]) => ({ name, step, code, about }));
  return { value: { faults: rows }, table: { rows, columns: FAULT_COLUMNS, name: (row: FaultRow) => row.name } };
}

/** A word as a shell takes it for one. */
const quote = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

const LABEL = /^[A-Za-z0-9]([-_. A-Za-z0-9]{0,40}[A-Za-z0-9])?$/;

export const simulate: Action = {
  description: "make simulated evidence with its collateral, for tests; it proves nothing of hardware",
  configure(command) {
    command
      .option("--to <folder>", "folder to write evidence.bin, collateral.json, root.pem and policy.yaml into")
      .option("--at <instant>", "make it valid at an instant, such as 2026-03-01T12:00:00Z; now when left out");
    addWishFlags(command);
  },
  async execute(context, call) {
    const { flags } = call;
    if (flags.listFaults === true) return listFaults();
    const to = readText(flags.to);
    const name = readText(flags.name) ?? "";
    if (to === undefined) throw new BulwarkError("USAGE", "Say where to write.", "bulwark attest simulate --to DIR");
    if (!LABEL.test(name)) {
      const mend = "use letters, digits, dots and dashes, at most 42";
      throw new BulwarkError("USAGE", `--name cannot be "${name}".`, mend);
    }
    const now = new Date(await readInstant(context, flags.at));
    const made = await (flags.tee === "snp" && flags.fault === undefined ? makeSnp : makeIntel)(context, call, now);
    const { inspectCertificates } = await import("@bulwark/attestation");
    const fingerprint = inspectCertificates(made.rootPem)[0]?.fingerprint ?? "";
    const folder = resolve(context.cwd, to);
    const files = await save(folder, {
      "evidence.bin": made.evidence,
      "collateral.json": `${JSON.stringify(made.collateral, null, 2)}\n`,
      "root.pem": made.rootPem,
      "policy.yaml": renderPolicy(made, name, fingerprint),
    });
    context.progress.warn("simulated: this evidence proves nothing of hardware");
    const at = (file: string): string => quote(join(to, file));
    const next = `bulwark attest verify ${at("evidence.bin")} --collateral ${quote(to)} --policy ${at("policy.yaml")} --simulation-root ${at("root.pem")}`;
    return presentRows(
      { folder, files, tee: made.tee, simulated: true, rootFingerprint: fingerprint, code: made.code ?? null },
      [
        ["TEE", made.tee],
        ...files.map((file) => ["file", file] as const),
        ["root", fingerprint],
        ...(made.code === undefined ? [] : [["must be refused with", made.code] as const]),
        ["try it", flags.at === undefined ? next : `${next} --at ${String(flags.at)}`],
      ],
    );
  },
};
