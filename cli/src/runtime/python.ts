// SPDX-License-Identifier: Apache-2.0
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, constants, readdir, rm, stat, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { BulwarkError } from "@bulwark/contracts";
import { installCommand } from "./os-packages.ts";
import { type PipSettings, parsePipSettings } from "./package-index.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** One Python on this machine. */
export type Python = {
  /** Real path of the interpreter that virtual environments are made from. */
  executable: string;
  /** For instance `3.11.7`. */
  version: string;
  /** Has what `python -m venv` needs; Debian ships that as a package of its own. */
  hasVenv: boolean;
  /** Has a pip of its own. */
  hasPip: boolean;
};

export type PythonLimits = { minimum: string; maximum: string };

/** A call of a Python that is under way can be ended by this signal. */
type Call = { env: Environment; signal: AbortSignal };

const PROBE = `
import importlib.util, json, os, sys
print(json.dumps({
  "executable": os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable),
  "version": "%d.%d.%d" % sys.version_info[:3],
  "hasVenv": all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")),
  "hasPip": bool(importlib.util.find_spec("pip")),
}))`;

/** An older pip may have many settings in the environment; only these reach ours. */
const PIP_VARIABLES =
  /^PIP_(INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|CERT|CLIENT_CERT|PROXY|TRUSTED_HOST|CONFIG_FILE|(DEFAULT_)?TIMEOUT|RETRIES|CACHE_DIR|NO_CACHE_DIR)$/;
const OTHER_VARIABLES =
  /^(PATH|HOME|USER|LANG|LC_\w+|TMPDIR|XDG_\w+|SSL_CERT_\w+|REQUESTS_CA_BUNDLE|(https?|no|all)_proxy)$/i;

const run = promisify(execFile);

/**
 * Finds the Python that jobs use: `python3` where it fits, else the newest that does.
 *
 * @throws PYTHON_MISSING, PYTHON_VENV_MISSING
 */
export async function findPython(options: { env: Environment; limits: PythonLimits }): Promise<Python> {
  const pythons = await listPythons(options.env);
  const fitting = pythons.filter((python) => isWithin(python.version, options.limits));
  const usable = fitting.find((python) => python.hasVenv);
  if (usable !== undefined) return usable;
  const [first] = fitting;
  if (first !== undefined) {
    const message = `Python ${first.version} in ${first.executable} has no venv and ensurepip modules.`;
    throw new BulwarkError("PYTHON_VENV_MISSING", message, installCommand("venv"));
  }
  const { minimum, maximum } = options.limits;
  const found = pythons.map((python) => `${python.version} in ${python.executable}`).join(", ") || "none";
  const message = `Python ${minimum} to ${maximum} is needed; found ${found}.`;
  throw new BulwarkError("PYTHON_MISSING", message, installCommand("python"));
}

/** Every Python 3 in PATH once: `python3` first, then by version, newest first. */
export async function listPythons(env: Environment): Promise<Python[]> {
  const folders = (env.PATH ?? "").split(delimiter).filter((folder) => folder.startsWith("/"));
  const numbered = await Promise.all(
    folders.map(async (folder) => {
      const names = await readdir(folder).catch((): string[] => []);
      return names.filter((name) => /^python3\.\d+$/.test(name)).map((name) => join(folder, name));
    }),
  );
  const minor = (path: string) => Number(path.slice(path.lastIndexOf(".") + 1));
  const paths = [
    ...folders.map((folder) => join(folder, "python3")),
    ...numbered.flat().toSorted((a, b) => minor(b) - minor(a)),
  ];
  const probed = await Promise.all(paths.map((path) => probePython(path, env)));
  const seen = new Set<string>();
  return probed.filter((python): python is Python => {
    if (python === undefined || seen.has(python.executable)) return false;
    seen.add(python.executable);
    return true;
  });
}

async function probePython(path: string, env: Environment): Promise<Python | undefined> {
  try {
    await access(path, constants.X_OK);
    const { stdout } = await run(path, ["-I", "-c", PROBE], { timeout: 10_000, env: pythonEnvironment(env) });
    return JSON.parse(stdout) as Python;
  } catch {
    return undefined;
  }
}

function isWithin(version: string, { minimum, maximum }: PythonLimits): boolean {
  const minor = (text: string) => Number(text.split(".")[1]);
  return version.startsWith("3.") && minor(version) >= minor(minimum) && minor(version) <= minor(maximum);
}

/** What a Python started by us gets to see: nothing that redirects its imports or where pip puts things. */
export function pythonEnvironment(env: Environment): Record<string, string> {
  const kept = Object.entries(env).filter(([name]) => PIP_VARIABLES.test(name) || OTHER_VARIABLES.test(name));
  return { ...(Object.fromEntries(kept) as Record<string, string>), PIP_DISABLE_PIP_VERSION_CHECK: "1" };
}

/**
 * Folder name of the environment for one Spark and one set of requirements. Which Python it is made from is not part of
 * it: finding that out would cost every run the start of a Python.
 */
export function nameEnvironment(sparkHome: string, requirements: string): string {
  return `python-${createHash("sha256").update(`${sparkHome}\n${requirements}`).digest("hex").slice(0, 12)}`;
}

/** The interpreter of an environment, or undefined where it is absent or its base Python has gone. */
export async function findEnvironmentPython(folder: string): Promise<string | undefined> {
  const executable = join(folder, "bin/python");
  return stat(executable).then(
    () => executable,
    () => undefined,
  );
}

/** Makes an empty virtual environment with pip in it. */
export async function createEnvironment(python: Python, folder: string, call: Call): Promise<void> {
  try {
    await runPython(python.executable, ["-m", "venv", folder], call);
  } catch (cause) {
    const message = `${python.executable} could not make a virtual environment: ${lastLine(cause)}`;
    throw new BulwarkError("PYTHON_VENV_MISSING", message, installCommand("venv"), { cause });
  }
}

/** Asks the pip of a Python where it would look for packages. */
export async function readPipSettings(python: string, call: Call): Promise<PipSettings> {
  // pip wraps its help at the width of the terminal, also in the middle of a URL.
  const wide = { ...call, env: { ...call.env, COLUMNS: "4000" } };
  const [config, help] = await Promise.all([
    runPython(python, ["-m", "pip", "config", "list"], call),
    runPython(python, ["-m", "pip", "install", "--help"], wide),
  ]);
  return parsePipSettings(config, help);
}

/**
 * Installs the locked requirements (wheels only, each checked by its hash) and makes Spark's own Python importable.
 *
 * @param importPaths folders and zip files to add to the end of `sys.path`
 */
export async function furnishEnvironment(
  folder: string,
  options: Call & { requirementsFile: string; importPaths: readonly string[] },
): Promise<void> {
  const python = join(folder, "bin/python");
  const flags = ["--require-hashes", "--no-deps", "--only-binary=:all:", "--no-input", "--quiet"];
  try {
    await runPython(python, ["-m", "pip", "install", ...flags, "-r", options.requirementsFile], options);
  } catch (cause) {
    if (options.signal.aborted) throw cause;
    throw new BulwarkError(
      "PYTHON_PACKAGES_FAILED",
      `The Python packages of jobs could not be installed: ${lastLine(cause)}`,
      "Check the network and pip's settings (python3 -m pip config list), then run it again.",
      { cause },
    );
  }
  const paths = await runPython(python, ["-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], options);
  await writeFile(join(paths.trim(), "bulwark-spark.pth"), options.importPaths.map((path) => `${path}\n`).join(""));
  await removeScripts(join(folder, "bin"));
}

/** The scripts name the folder they were made in, which is about to be renamed; the interpreter does not. */
async function removeScripts(bin: string): Promise<void> {
  const names = await readdir(bin);
  const scripts = names.filter((name) => !/^python[\d.]*$/.test(name));
  await Promise.all(scripts.map((name) => rm(join(bin, name))));
}

/** Runs Python without the user's own import paths and returns what it printed. */
export async function runPython(executable: string, args: readonly string[], call: Call): Promise<string> {
  const env = { ...pythonEnvironment(call.env), ...(call.env.COLUMNS ? { COLUMNS: call.env.COLUMNS } : {}) };
  const options = { env, signal: call.signal, cwd: dirname(executable), maxBuffer: 16 << 20 };
  return (await run(executable, ["-I", ...args], options)).stdout;
}

function lastLine(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string };
  const lines = (stderr ?? "").split("\n").filter((line) => line.trim() !== "" && !line.startsWith("WARNING"));
  return lines.findLast((line) => line.startsWith("ERROR")) ?? lines.at(-1) ?? message;
}
