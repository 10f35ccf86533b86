// SPDX-License-Identifier: Apache-2.0
import { join } from "node:path";
import { BULWARK, type Ground, prepareGround, ROOT, readSeconds, sparkSubmit } from "./ground.ts";
import { type Bench, time } from "./measure.ts";

const PROGRAM = join(ROOT, "bench", "shuffle.py");
const ROWS = "15000000";
const RUNS = 7;

/** Both sides alike: uncompressed, so that the rows are a gigabyte of shuffle. */
const UNCOMPRESSED = ["spark.shuffle.compress=false"];
/** As between machines. Without it Spark reads the files of an executor of the same host from disk. */
const OVER_SOCKETS = [...UNCOMPRESSED, "spark.shuffle.readHostLocalDisk=false"];

const AUTHENTICATED = ["spark.authenticate=true", "spark.authenticate.secret=benchmark-on-loopback"];

/** The profiles' channels by hand, without io.encryption: shows what encrypting scratch files costs. */
const CHANNELS: Readonly<Record<string, readonly string[]>> = {
  "aes-gcm": [
    "spark.network.crypto.enabled=true",
    "spark.network.crypto.cipher=AES/GCM/NoPadding",
    "spark.network.crypto.authEngineVersion=2",
    "spark.network.crypto.saslFallback=false",
  ],
  tls: [
    "spark.ssl.rpc.enabled=true",
    "spark.ssl.rpc.protocol=TLSv1.3",
    "spark.ssl.rpc.enabledAlgorithms=TLS_AES_256_GCM_SHA384",
    "spark.ssl.rpc.keyStorePassword=benchmark",
    "spark.ssl.rpc.keyPassword=benchmark",
    "spark.ssl.rpc.trustStorePassword=benchmark",
  ],
};

/** A gigabyte of shuffle with each profile against none, with and without encrypted scratch files. */
export function benchShuffle(): Promise<readonly Bench[]> {
  return shuffle("shuffle", UNCOMPRESSED);
}

/** The same with every block fetched over the encrypted channel. */
export function benchShuffleOverSockets(): Promise<readonly Bench[]> {
  return shuffle("shuffle-over-sockets", OVER_SOCKETS);
}

async function shuffle(name: string, same: readonly string[]): Promise<readonly Bench[]> {
  const ground = await prepareGround();
  const stores = await makeStores(ground);
  const plain = async (settings: readonly string[]): Promise<number> =>
    readSeconds(await sparkSubmit(ground, [...[...same, ...settings].flatMap(conf), PROGRAM, ROWS]));
  const secured = async (profile: string): Promise<number> => {
    const args = ["run", PROGRAM, "--profile", profile, "--quiet", ...same.flatMap(conf), "--", ROWS];
    return readSeconds(await time(BULWARK, args));
  };
  return [
    {
      peerName: "spark-plain",
      runs: RUNS,
      ours: {
        [`${name}-aes-gcm`]: () => secured("aes-gcm"),
        [`${name}-tls`]: () => secured("tls"),
        [`${name}-aes-gcm-without-io-encryption`]: () => plain([...AUTHENTICATED, ...(CHANNELS["aes-gcm"] ?? [])]),
        [`${name}-tls-without-io-encryption`]: () => plain([...AUTHENTICATED, ...(CHANNELS.tls ?? []), ...stores]),
      },
      peer: () => plain([]),
    },
  ];
}

/** A key pair of this measurement alone, with the password that `CHANNELS` names. */
async function makeStores(ground: Ground): Promise<readonly string[]> {
  const file = join(ground.folder, "store.p12");
  const names = ["-alias", "bench", "-dname", "CN=bench", "-storetype", "PKCS12", "-storepass", "benchmark"];
  const key = ["-genkeypair", "-keyalg", "EC", "-groupname", "secp256r1"];
  await time(join(ground.java.home, "bin", "keytool"), [...key, ...names, "-keystore", file]);
  return [`spark.ssl.rpc.keyStore=${file}`, `spark.ssl.rpc.trustStore=${file}`];
}

function conf(setting: string): string[] {
  return ["--conf", setting];
}
