// SPDX-License-Identifier: Apache-2.0
import Type, { type Static } from "typebox";
import { FORMS } from "../document/forms.ts";

// As with the job file: read by the generator and the compiler alone; at run time generated/ stands for it.

const closed = { additionalProperties: false } as const;
type FormName = keyof typeof FORMS;

const form = (name: FormName, description: string) => Type.String({ pattern: FORMS[name].pattern, description });
const formList = (name: FormName, description: string) =>
  Type.Optional(Type.Array(Type.String({ pattern: FORMS[name].pattern }), { description }));
const SVN_MAXIMUM = 65_535;
const svn = (description: string, maximum = SVN_MAXIMUM) =>
  Type.Optional(Type.Integer({ minimum: 0, maximum, description }));
const BYTE_MAXIMUM = 255;

/** What a rule may say of evidence. Everything it names must fit; of a list, one value must. */
const CONDITIONS = {
  tee: Type.Optional(Type.Enum(["sgx", "tdx", "sev-snp"], { description: "Kind of TEE the rule is about" })),
  mrenclave: formList("hex32", "SGX: measurements of the enclave's code and data"),
  mrsigner: formList("hex32", "SGX: SHA-256 of the signer's key; in an allow rule together with isvProdId"),
  isvProdId: Type.Optional(
    Type.Integer({ minimum: 0, maximum: SVN_MAXIMUM, description: "SGX: product id, given by the signer" }),
  ),
  isvSvnMinimum: svn("SGX: lowest security version of the enclave; in a deny rule, see isvSvnMaximum"),
  isvSvnMaximum: svn("SGX: highest security version of the enclave, for deny rules: old builds"),
  configId: formList("hex64", "SGX: CONFIGID, for instance the digest of the init data"),
  mrtd: formList("hex48", "TDX: measurement of the initial contents of the trust domain (its firmware)"),
  rtmr0: formList("hex48", "TDX: firmware configuration"),
  rtmr1: formList("hex48", "TDX: boot loader and kernel"),
  rtmr2: formList("hex48", "TDX: kernel command line and initial RAM disk"),
  rtmr3: formList("hex48", "TDX: what the running system extended, for instance containers"),
  mrconfigid: formList("hex48", "TDX: MRCONFIGID, for instance the digest of the init data"),
  mrowner: formList("hex48", "TDX: owner given at launch"),
  mrownerconfig: formList("hex48", "TDX: configuration of the owner given at launch"),
  mrservicetd: formList("hex48", "TDX 1.5: service domain; anything but zero is refused unless listed"),
  mrseam: formList("hex48", "TDX: measurement of the TDX module"),
  measurement: formList("hex48", "SEV-SNP: launch measurement"),
  hostData: formList("hex32", "SEV-SNP: HOST_DATA, for instance the digest of the init data"),
  idKeyDigest: formList("hex48", "SEV-SNP: digest of the key that signed the identity block"),
  reportData: formList("hex64", "All 64 bytes of report data; only for evidence that is not bound to a challenge"),
  fmspc: formList("hex6", "Intel: platform family"),
  ppidHash: formList("hex32", "Intel: SHA-256 of the platform's PPID; bulwark attest show prints it"),
  instanceId: formList("hex16", "Intel: platform instance id (PIID)"),
  chipId: formList("hex64", "AMD: chip id"),
} as const;

const Conditions = Type.Object(CONDITIONS, closed);
const names = { ...closed, default: {} } as const;

const always = (status: string) =>
  Type.Optional(form("acceptance", `Until when ${status} is accepted: a day, or always`));
const until = (status: string) => Type.Optional(form("date", `Last day on which ${status} is accepted`));

const Tcb = Type.Object(
  {
    accept: Type.Object(
      {
        SWHardeningNeeded: always("SWHardeningNeeded"),
        ConfigurationNeeded: always("ConfigurationNeeded"),
        ConfigurationAndSWHardeningNeeded: always("ConfigurationAndSWHardeningNeeded"),
        OutOfDate: until("OutOfDate"),
        OutOfDateConfigurationNeeded: until("OutOfDateConfigurationNeeded"),
        TDRelaunchAdvised: until("TDRelaunchAdvised"),
        TDRelaunchAdvisedConfigurationNeeded: until("TDRelaunchAdvisedConfigurationNeeded"),
      },
      { ...closed, default: {}, description: "Statuses accepted beside UpToDate. Revoked never is" },
    ),
    advisories: Type.Object(
      {
        allow: formList("advisory", "If given, evidence may carry no other; with it SWHardeningNeeded is accepted"),
        deny: formList("advisory", "Evidence that carries one of these is refused"),
      },
      { ...closed, default: {}, description: "Intel's advisories" },
    ),
    evaluationNumberMinimum: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 100_000,
        description: "Lowest TCB evaluation data number: keeps an old, still valid TCB info from being served",
      }),
    ),
    collateralDaysMaximum: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 366,
        description: "Greatest age of TCB info, QE identity and revocation lists, although they are still valid",
      }),
    ),
    snpMinimum: Type.Object(
      {
        bootloader: svn("Lowest version of the boot loader", BYTE_MAXIMUM),
        tee: svn("Lowest version of the TEE", BYTE_MAXIMUM),
        snp: svn("Lowest version of the SNP firmware", BYTE_MAXIMUM),
        microcode: svn("Lowest version of the microcode", BYTE_MAXIMUM),
        fmc: svn("Lowest version of the firmware mutable code, which Turin and later have", BYTE_MAXIMUM),
      },
      { ...closed, default: {}, description: "SEV-SNP: lowest reported TCB, since AMD gives no status" },
    ),
  },
  { ...closed, default: {}, description: "How good the platform must be" },
);

const Platforms = Type.Object(
  {
    ppidHash: formList("hex32", "Intel: SHA-256 of the PPIDs of allowed platforms"),
    instanceId: formList("hex16", "Intel: instance ids of allowed platforms"),
    chipId: formList("hex64", "AMD: chip ids of allowed platforms"),
  },
  {
    ...closed,
    default: {},
    description: "If anything is listed, only these machines: a genuine TEE elsewhere is refused",
  },
);

const Attributes = Type.Object(
  {
    provisionKey: Type.Boolean({
      default: false,
      description: "SGX: accept enclaves that may use the provisioning key",
    }),
    einittokenKey: Type.Boolean({ default: false, description: "SGX: accept enclaves that may make launch tokens" }),
    septVeDisable: Type.Enum(["any", "required"], {
      default: "any",
      description: "TDX: whether SEPT_VE_DISABLE must be set; some clouds have it clear",
    }),
    perfmon: Type.Enum(["any", "refused"], { default: "any", description: "TDX: performance counters in the domain" }),
    xfam: formList("hex8", "TDX: allowed extended features, in the byte order of the quote; CET bits do not count"),
    vmplMaximum: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 3, description: "SEV-SNP: highest privilege level number of the requester" }),
    ),
    migrationAgent: Type.Boolean({
      default: false,
      description: "SEV-SNP: accept guests that a migration agent may move",
    }),
    trailingBytes: Type.Enum(["any", "zero", "none"], {
      default: "zero",
      description: "What may follow the end of a quote; nobody signs it",
    }),
  },
  { ...closed, default: {}, description: "Attributes of the TEE. Debug has no switch: it is always refused" },
);

/** The appraisal policy: which evidence is good enough. Defaults and descriptions are part of the schema. */
export const Policy = Type.Object(
  {
    name: form("label", "Name of the policy; results and the audit carry it"),
    description: Type.Optional(form("filled", "What the policy is for")),
    allow: Type.Record(Type.String({ pattern: FORMS.label.pattern }), Conditions, {
      ...names,
      description: "Rules by name: evidence must fit at least one. Without any, everything is refused",
    }),
    deny: Type.Record(Type.String({ pattern: FORMS.label.pattern }), Conditions, {
      ...names,
      description: "Rules by name: evidence that fits one is refused, whatever allows it",
    }),
    tcb: Tcb,
    platforms: Platforms,
    attributes: Attributes,
    simulation: Type.Object(
      {
        root: Type.Optional(
          form("hex32", "SHA-256 of the one simulated root whose evidence is accepted, and no other"),
        ),
      },
      { ...closed, default: {}, description: "Makes this a policy for simulated evidence only" },
    ),
  },
  { ...closed, title: "Bulwark appraisal policy", description: "Which evidence is good enough" },
);

/** An appraisal policy with every default filled in. */
export type Policy = Static<typeof Policy>;
/** One rule of `allow` or `deny`. */
export type Conditions = Static<typeof Conditions>;
