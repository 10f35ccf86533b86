// SPDX-License-Identifier: Apache-2.0
import { createHash, createSecretKey, randomBytes } from "node:crypto";
import { mkdir, readFile, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { BulwarkError } from "@bulwark/contracts/errors";
import { OLDER_CIPHERS, type OlderCipher } from "@bulwark/contracts/older-ciphers";
import { Option } from "commander";
import type { CommandSpec, Context, Result } from "../command.ts";
import { writeFileWhole } from "../runs/files.ts";
import { addTargetFlags, ask, findTarget } from "../serving/target.ts";

type Flags = Readonly<Record<string, unknown>>;
type Row = { name: string; value: string };
type IndexRow = { name: string; version: string; state: string; reason: string };

const TIMEOUT_MS = 120_000;

const ACTIONS: Readonly<Record<string, (context: Context, args: readonly string[], flags: Flags) => Promise<Result>>> =
  {
    encrypt,
    inspect,
    list,
    load: (context, args, flags) => change(context, args, flags, "load"),
    unload: (context, args, flags) => change(context, args, flags, "unload"),
  };

/** `bulwark model`: files of models, and models that are served. */
export const spec: CommandSpec = {
  examples: [
    "bulwark model encrypt model.onnx models/diagnosis/1/model.onnx.sealed --key models",
    "bulwark model encrypt old.bin models/diagnosis/1/model.onnx.sealed --key models --from-bigdl aes-128-gcm --secret-file secret --salt-file salt",
    "bulwark model inspect models/diagnosis/1/model.onnx.sealed",
    "bulwark model list",
    "bulwark model load diagnosis",
    "bulwark model unload diagnosis",
  ],
  configure(command) {
    command
      .command("encrypt <in> <out>")
      .description("encrypt a model (AES-256-GCM) under a key of its own, wrapped by a master key")
      .requiredOption("--key <name>", "master key: bulwark keys init --data NAME")
      .addOption(
        new Option(
          "--from-bigdl <cipher>",
          "<in> was encrypted by BigDL with this cipher; it is never written in the clear",
        ).choices(OLDER_CIPHERS),
      )
      .option("--secret-file <file>", "with --from-bigdl: BigDL's secret, alone in a file of mode 0600")
      .option("--salt-file <file>", "with --from-bigdl: BigDL's salt, in another")
      .option("--overwrite", "replace what is at <out>");
    command
      .command("inspect <file>")
      .description("what a model takes and gives; of an encrypted one, its key and size");
    addTargetFlags(command.command("list").description("models that are served, with the state of each version"));
    addTargetFlags(command.command("load <model>").description("load a model, or what changed of it on disk"));
    addTargetFlags(command.command("unload <model>").description("unload a model and give its memory back"));
  },
  async execute(context, { args, flags, path }) {
    const action = ACTIONS[path[0] ?? ""];
    if (action === undefined) {
      throw new BulwarkError(
        "USAGE",
        "bulwark model needs a subcommand.",
        `bulwark model ${Object.keys(ACTIONS).join("|")}`,
      );
    }
    return action(context, args, flags);
  },
};

async function encrypt(context: Context, [input = "", output = ""]: readonly string[], flags: Flags): Promise<Result> {
  const [{ openKeys, selectKeys }, { isSealed, sealModel }] = await Promise.all([
    import("@bulwark/pki"),
    import("@bulwark/inference"),
  ]);
  const { model, older } = await readPlain(context, input, flags);
  if (isSealed(model)) throw new BulwarkError("MODEL_FORMAT", `${input} is encrypted already.`, "name the plain model");
  const target = resolve(context.cwd, output);
  if (flags.overwrite !== true && (await stat(target).catch(() => undefined)) !== undefined) {
    throw new BulwarkError("OUTPUT_EXISTS", `${output} exists already.`, "add --overwrite, or name another file");
  }
  const keys = await openKeys(context.paths.keys, { now: context.now() });
  const [key] = selectKeys(keys.keyring, [String(flags.key)]).keys;
  const version = key?.versions.find((one) => one.version === key.current);
  if (key === undefined || version === undefined)
    throw new BulwarkError("BUG", "A selected key is absent.", "report it");
  const master = { id: key.id, version: version.version, key: createSecretKey(Buffer.from(version.key, "base64")) };
  const sealed = sealModel(model, master, randomBytes);
  await mkdir(dirname(target), { recursive: true });
  await writeFileWhole(target, sealed);
  return describe({ file: target, keyId: key.id, keyVersion: version.version, bytes: sealed.length, ...older });
}

/** The model to encrypt, decrypted in memory where BigDL encrypted it, and what is to be said of that. */
async function readPlain(
  { cwd, progress }: Context,
  input: string,
  flags: Flags,
): Promise<{ model: Buffer; older: Record<string, string> }> {
  const { fromBigdl, secretFile, saltFile } = flags;
  if (fromBigdl === undefined) {
    if (secretFile === undefined && saltFile === undefined)
      return { model: await read(resolve(cwd, input)), older: {} };
    throw new BulwarkError("USAGE", "Secret and salt open what BigDL encrypted.", "add --from-bigdl CIPHER");
  }
  if (typeof secretFile !== "string" || typeof saltFile !== "string") {
    throw new BulwarkError("USAGE", "--from-bigdl needs both of its secrets.", "--secret-file FILE --salt-file FILE");
  }
  const { deriveOlderKey, hasIntegrity, openOlderModel, readOlderSecrets } = await import("@bulwark/inference");
  const cipher = fromBigdl as OlderCipher;
  const secrets = await readOlderSecrets(resolve(cwd, secretFile), resolve(cwd, saltFile));
  const model = openOlderModel(await read(resolve(cwd, input)), await deriveOlderKey(cipher, secrets));
  const sha256 = createHash("sha256").update(model).digest("hex");
  if (!hasIntegrity(cipher)) {
    progress.warn(
      `${cipher} does not show whether ${input} was changed: whoever could write to it may have chosen parts of the model.\n` +
        `  -> compare the SHA-256 of the model with that of its original: ${sha256}`,
    );
  }
  const integrity = hasIntegrity(cipher) ? "checked" : "NONE: CBC does not show changes";
  return { model, older: { from: cipher, integrity, modelSha256: sha256 } };
}

async function inspect(context: Context, [input = ""]: readonly string[]): Promise<Result> {
  const { isSealed, readSealedHeader } = await import("@bulwark/inference");
  const path = resolve(context.cwd, input);
  const bytes = await read(path);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  if (isSealed(bytes)) {
    const { keyId, keyVersion, size } = readSealedHeader(bytes);
    return describe({ file: path, encrypted: "AES-256-GCM", keyId, keyVersion, modelBytes: size, sha256 });
  }
  return describe({ file: path, encrypted: "no", modelBytes: bytes.length, sha256, ...(await readSignature(path)) });
}

/** Inputs and outputs as the engine sees them: it loads the model and ends. */
async function readSignature(path: string): Promise<Record<string, string>> {
  const { createEngine, DEFAULT_SETTINGS, openFile } = await import("@bulwark/inference");
  const engine = createEngine({ repository: openFile(path, "model"), settings: () => DEFAULT_SETTINGS, now: Date.now });
  try {
    await engine.load("model");
    const { inputs, outputs } = engine.describe("model");
    const show = (list: typeof inputs): string =>
      list.map(({ name, datatype, shape }) => `${name} ${datatype}[${shape.join(",")}]`).join(", ");
    return { inputs: show(inputs), outputs: show(outputs) };
  } finally {
    await engine.close();
  }
}

async function list(context: Context, _args: readonly string[], flags: Flags): Promise<Result> {
  const target = await findTarget(context, flags);
  const call = { path: "/v2/repository/index", method: "POST", body: {}, timeoutMs: TIMEOUT_MS } as const;
  const rows = (await ask(target, call)) as IndexRow[];
  return {
    value: { apiVersion: "bulwark/v1", items: rows },
    table: {
      rows,
      name: ({ name }: IndexRow) => name,
      empty: "No models.",
      columns: [
        { heading: "model", cell: ({ name }: IndexRow) => name },
        { heading: "version", cell: ({ version }: IndexRow) => version },
        { heading: "state", cell: ({ state }: IndexRow) => state },
        { heading: "reason", cell: ({ reason }: IndexRow) => reason },
      ],
    },
  };
}

async function change(
  context: Context,
  [model = ""]: readonly string[],
  flags: Flags,
  verb: "load" | "unload",
): Promise<Result> {
  const target = await findTarget(context, flags);
  const step = context.progress.step(`${verb === "load" ? "Loading" : "Unloading"} ${model}`);
  const path = `/v2/repository/models/${encodeURIComponent(model)}/${verb}`;
  await ask(target, { path, method: "POST", body: {}, timeoutMs: TIMEOUT_MS });
  step.done();
  return list(context, [], flags);
}

function read(path: string): Promise<Buffer> {
  return readFile(path).catch((cause) => {
    throw new BulwarkError("DATA_MISSING", `${path} cannot be read.`, "name a model file", { cause });
  });
}

function describe(value: Readonly<Record<string, string | number>>): Result {
  const rows: Row[] = Object.entries(value).map(([name, one]) => ({ name, value: String(one) }));
  return {
    value,
    table: {
      rows,
      name: ({ name }: Row) => name,
      columns: [
        { heading: "what", cell: ({ name }: Row) => name },
        { heading: "value", cell: (row: Row) => row.value },
      ],
    },
  };
}
