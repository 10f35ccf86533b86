// SPDX-License-Identifier: Apache-2.0
import { join } from "node:path";
import { BULWARK, type Ground, prepareGround, ROOT, readSeconds, sparkSubmit } from "./ground.ts";
import { type Bench, time } from "./measure.ts";

const PROGRAM = join(ROOT, "bench", "shuffle.py");
const ROWS = "15000000";
const RUNS = 7;
/** Data incompressible enough that a gigabyte of rows is a gigabyte of shuffle. */
const SAME = ["--conf", "spark.shuffle.compress=false"];

/** Settings of the aes-gcm profile by hand, with a secret on loopback for this measurement alone: no io.encryption. */
const CHANNEL_ONLY = [
  "spark.authenticate=true",
  "spark.authenticate.secret=benchmark-on-loopback",
  "spark.network.crypto.enabled=true",
  "spark.network.crypto.cipher=AES/GCM/NoPadding",
  "spark.network.crypto.authEngineVersion=2",
  "spark.network.crypto.saslFallback=false",
].flatMap((setting) => ["--conf", setting]);

/** A gigabyte of shuffle with each profile against none; the last one shows what encrypting scratch files costs. */
export async function benchShuffle(): Promise<readonly Bench[]> {
  const ground = await prepareGround();
  const peer = async (): Promise<number> => readSeconds(await sparkSubmit(ground, [...SAME, PROGRAM, ROWS]));
  const base = { peerName: "spark-plain", runs: RUNS, peer };
  return [
    { ...base, name: "shuffle-aes-gcm", ours: () => secured("aes-gcm") },
    { ...base, name: "shuffle-tls", ours: () => secured("tls") },
    { ...base, name: "shuffle-aes-gcm-without-io-encryption", ours: () => channelOnly(ground) },
  ];
}

async function secured(profile: string): Promise<number> {
  return readSeconds(await time(BULWARK, ["run", PROGRAM, "--profile", profile, "--quiet", ...SAME, "--", ROWS]));
}

async function channelOnly(ground: Ground): Promise<number> {
  return readSeconds(await sparkSubmit(ground, [...SAME, ...CHANNEL_ONLY, PROGRAM, ROWS]));
}
