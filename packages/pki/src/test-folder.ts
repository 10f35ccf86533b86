// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from "node:child_process";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { initKeys } from "./change.ts";

/** The instant that tests take for now. */
export const NOW = new Date("2026-03-01T12:00:00.000Z");

export const addDays = (days: number): Date => new Date(NOW.getTime() + days * 86_400_000);

let template: Promise<string> | undefined;

/** A new folder with keys of NOW and the data key "patients": a copy, because making an RSA key takes a second. */
export async function makeKeysFolder(): Promise<string> {
  template ??= makeTemplate();
  const folder = join(await makeEmptyFolder(), "keys");
  await cp(await template, folder, { recursive: true, verbatimSymlinks: true });
  return folder;
}

/** A new empty folder, removed after the tests of the file. */
export async function makeEmptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "bulwark-pki-"));
  folders.push(folder);
  return folder;
}

/** Why a program cannot be used in a test, or false if it can: the value of `skip`. */
export function isAbsent(program: string, versionFlag: string): string | false {
  try {
    execFileSync(program, [versionFlag], { stdio: "ignore" });
    return false;
  } catch {
    return `${program} is not installed`;
  }
}

const folders: string[] = [];
after(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

async function makeTemplate(): Promise<string> {
  const folder = join(await makeEmptyFolder(), "keys");
  await initKeys(folder, { now: NOW, keyNames: ["patients"] });
  return folder;
}
