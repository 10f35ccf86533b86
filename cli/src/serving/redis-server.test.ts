// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { initKeys, type Keys, openKeys } from "@bulwark/pki";
import {
  createIntake,
  createLink,
  createRandom,
  createWork,
  inspectQueue,
  type Link,
  makeDataKey,
  nameKeys,
  REDIS_USERS,
  type RedisConnectionSettings,
  type RedisUser,
  readAnnouncements,
  readRedisAddress,
  SEALED,
  seal,
  toRecordKeys,
  toRedisOptions,
} from "@bulwark/queue";
import { Redis } from "ioredis";
import { createTestFolder } from "../testing/context.ts";
import { askRedis } from "./redis-probe.ts";
import { findRedisProgram, type OwnRedis, startRedis } from "./redis-server.ts";

const job = "serving_stream";
const { env } = process;
const hasProgram = findRedisProgram(env) !== undefined;
const MARKER = "patient-4711-has-a-broken-heart";

describe("a Redis of ours", { skip: hasProgram ? false : "no redis-server here" }, () => {
  const folder = createTestFolder();
  const ends: string[] = [];
  let keys: Keys;
  let redis: OwnRedis;
  const links: Link[] = [];
  before(async () => {
    const keysFolder = join(folder, "keys");
    await initKeys(keysFolder, { now: new Date(), keyNames: ["serving-records"] });
    keys = await openKeys(keysFolder, { now: new Date() });
    redis = await startRedis({
      ...{ job, env, folder: join(folder, "redis"), files: keys.files.server, port: 0, mostBytes: 2 ** 27 },
      ...{ fsync: "always" as const, onEnd: (how: string) => ends.push(how) },
    });
  });
  after(async () => {
    for (const link of links) link.close();
    await redis?.process.stop(2_000);
  });

  const connectAs = async (user: RedisUser): Promise<Link> => {
    const link = createLink(new Redis(toRedisOptions(await readRedisAddress(redis.connection(user)))));
    links.push(link);
    await link.connect();
    return link;
  };
  const probe = (change: Partial<RedisConnectionSettings>) =>
    askRedis({ ...redis.connection("operator"), ...change }, async () => {});

  it("lets each user do its part, from admission to answer, and no more", async () => {
    const names = nameKeys(job);
    const intake = createIntake(await connectAs("gateway"), names, { mostRecords: 10, mostBytes: 1e6 });
    const settings = { consumer: "e", minIdleMs: 1, resultTtlMs: 60_000, replyTtlMs: 60_000, mostDead: 10 };
    const engine = await connectAs("engine");
    const work = createWork({ reader: await connectAs("engine"), commands: engine, now: Date.now }, names, settings);
    await work.open();
    await work.beat("what it serves");
    const recordKeys = toRecordKeys(keys.keyring.keys[0] ?? assert.fail());
    const fill = createRandom();
    const place = { stream: job, uri: "u", model: "m" };
    const dataKey = makeDataKey(recordKeys, place, fill);
    const data = seal(dataKey, Buffer.from(MARKER), ["request", place], fill);
    const submission = { uri: "u", model: "m", serde: SEALED, priority: "high", budgetMs: 60_000, data } as const;
    await intake.admit({ ...submission, keep: true });
    await intake.admit({ ...submission, uri: "dead", reply: "gw" });
    assert.equal(await intake.withdraw(await intake.admit({ ...submission, uri: "back" })), true);
    const [delivery, dying] = await work.take(2, 100);
    assert.ok(delivery && dying);
    await work.hold([delivery]);
    assert.ok(await work.again(delivery));
    await Array.fromAsync(work.abandoned(), () => {});
    const value = seal(dataKey, Buffer.from(`result of ${MARKER}`), ["result", place], fill);
    assert.equal(await work.finish({ delivery, value }), true);
    assert.equal(await work.finish({ delivery: dying, value, reason: "MODEL_FAILED" }), true);
    assert.deepEqual(await intake.readResult("u"), value);
    const gateway = links[0] ?? assert.fail();
    for (const reader of [gateway, await connectAs("operator")]) {
      const said = await readAnnouncements(reader, names, { engines: ["e"], mostBytes: 100 });
      assert.equal(String(said.get("e")), "what it serves");
    }
    assert.ok(await gateway.send("XREAD", "COUNT", 1, "STREAMS", names.reply("gw"), "0"));
    await gateway.send("XTRIM", names.reply("gw"), "MAXLEN", 0);
    const state = await inspectQueue(await connectAs("operator"), names);
    assert.deepEqual([state.engines, state.dead, state.pending, state.redis.isDurable], [["e"], 1, 0, true]);
    assert.equal(await gateway.send("GET", names.dropped), null);
    assert.equal(await engine.send("XTRIM", names.dead, "MAXLEN", 100), 0);
    await work.leave();
    for (const [user, command] of [
      ["gateway", ["KEYS", "*"]],
      ["gateway", ["FLUSHALL"]],
      ["gateway", ["GET", "another"]],
      ["gateway", ["SET", names.serves("e"), "forged"]],
      ["gateway", ["DEL", names.engines]],
      ["relay", ["SET", names.serves("e"), "forged"]],
      ["relay", ["GET", names.serves("e")]],
      ["engine", ["CONFIG", "GET", "*"]],
      ["operator", ["HGET", names.result("u"), "value"]],
      ["operator", ["DEL", job]],
      ["relay", ["XREADGROUP", "GROUP", "serving", "x", "STREAMS", job, ">"]],
    ] as const) {
      const [name, ...args] = command;
      await assert.rejects((await connectAs(user)).send(name, ...args), { code: "QUEUE_REFUSED" }, `${user} ${name}`);
    }
  });

  it("writes nothing of a request or result to its disk", () => {
    const data = join(folder, "redis", "data", "appendonlydir");
    const files = readdirSync(data).map((name) => readFileSync(join(data, name)));
    assert.ok(
      files.some((content) => content.includes(job)),
      "the append-only file was looked at",
    );
    assert.ok(!files.some((content) => content.includes(MARKER)));
  });

  it("keeps its secrets to their owner, and none in its command line", () => {
    const passwords = REDIS_USERS.map((user) => {
      const path = redis.connection(user).passwordFile ?? "";
      assert.equal(statSync(path).mode & 0o777, 0o600);
      return readFileSync(path, "utf8").trim();
    });
    const files = ["users.acl", "redis.conf", "redis.log"].map((name) =>
      readFileSync(join(folder, "redis", name), "utf8"),
    );
    const commandLine = readFileSync(`/proc/${redis.process.pid()}/cmdline`, "utf8");
    for (const text of [...files, commandLine]) assert.ok(!passwords.some((password) => text.includes(password)));
  });

  it("lets nobody in without certificate, right password or TLS", async () => {
    const { url, certificateFile, privateKeyFile, passwordFile, ...rest } = redis.connection("operator");
    assert.ok(certificateFile && privateKeyFile && passwordFile);
    await assert.rejects(
      askRedis({ ...rest, url, passwordFile }, async () => {}),
      { name: "BulwarkError" },
    );
    const gateways = redis.connection("gateway").passwordFile ?? "";
    await assert.rejects(probe({ passwordFile: gateways }), { code: "QUEUE_REFUSED" });
    const withoutUser = { ...rest, url, certificateFile, privateKeyFile };
    delete withoutUser.user;
    await assert.rejects(
      askRedis(withoutUser, async () => {}),
      { code: "QUEUE_REFUSED" },
    );
    await assert.rejects(
      askRedis({ ...withoutUser, passwordFile }, async () => {}),
      { code: "QUEUE_REFUSED" },
    );
    await assert.rejects(probe({ url: url.replace("rediss", "redis") }), { code: "QUEUE_UNREACHABLE" });
    const answer = await askInTheClear(Number(new URL(url).port));
    assert.ok(!answer.includes("PONG"));
    await probe({});
  });

  it("is started again when it dies", async () => {
    const before = await connectAs("operator");
    const pid = Number(/process_id:(\d+)/.exec(String(await before.send("INFO")))?.[1]);
    process.kill(pid, "SIGKILL");
    for (const limit = Date.now() + 10_000; ; await delay(50)) {
      assert.ok(Date.now() < limit, "in time");
      if (
        redis.process.restarts() > 0 &&
        (await probe({}).then(
          () => true,
          () => false,
        ))
      )
        break;
    }
    assert.equal(ends.length, 1);
    const { dead } = await inspectQueue(await connectAs("operator"), nameKeys(job));
    assert.equal(dead, 1, "what it held is there again");
  });
});

it("a part ends when whoever started it is killed", async () => {
  const program = `
    import { keepRunning } from ${JSON.stringify(new URL("./keep-running.ts", import.meta.url).href)};
    const script = ${JSON.stringify(new URL("./lifeline.sh", import.meta.url).pathname)};
    const log = ${JSON.stringify(join(createTestFolder(), "log"))};
    const args = [script, "sh", "-c", "echo $$; exec sleep 600"];
    keepRunning({ name: "sleeper", command: "/bin/sh", args, log, env: process.env }, () => {});
    console.log(log);
  `;
  const parent = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const log = await new Promise<string>((resolve) =>
    parent.stdout.once("data", (data) => resolve(String(data).trim())),
  );
  const pid = Number(await until(() => readFileSync(log, "utf8").trim()));
  assert.ok(isAlive(pid));
  parent.kill("SIGKILL");
  await until(() => !isAlive(pid));
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function until<Value>(look: () => Value): Promise<Value> {
  for (const limit = Date.now() + 10_000; ; await delay(20)) {
    const value = look();
    if (value) return value;
    assert.ok(Date.now() < limit, "in time");
  }
}

/** What comes back for a PING without TLS. */
function askInTheClear(port: number): Promise<string> {
  return new Promise((resolve) => {
    const received: Buffer[] = [];
    const socket = connect(port, "127.0.0.1", () => socket.write("PING\r\n"));
    socket.on("data", (data) => received.push(data));
    socket.on("error", () => {});
    socket.on("close", () => resolve(Buffer.concat(received).toString("latin1")));
    socket.setTimeout(2_000, () => socket.destroy());
  });
}
