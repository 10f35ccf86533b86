// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** A listening TCP socket of a process. */
export type Listener = { pid: number; address: string; port: number };

const LISTEN = "0A";
const IPV4_HEX_LENGTH = 8;

/** Listening TCP sockets of the given processes, as the kernel tells (/proc/PID/net/tcp and tcp6). */
export function findListeners(pids: readonly number[]): Listener[] {
  return pids.flatMap((pid) => {
    const inodes = socketInodes(pid);
    return [...readTable(pid, "tcp"), ...readTable(pid, "tcp6")]
      .filter((row) => inodes.has(row.inode))
      .map(({ address, port }) => ({ pid, address, port }));
  });
}

/** Whether an address is reachable from this machine alone. */
export function isLoopback(address: string): boolean {
  return address === "::1" || /^(::ffff:)?127\./.test(address);
}

function readTable(pid: number, table: string): { address: string; port: number; inode: string }[] {
  return readLines(`/proc/${pid}/net/${table}`)
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === LISTEN)
    .map((fields) => {
      const [address = "", port = ""] = (fields[1] ?? "").split(":");
      return { address: decodeAddress(address), port: Number.parseInt(port, 16), inode: fields[9] ?? "" };
    });
}

/** The kernel prints addresses as words in host byte order. */
function decodeAddress(hex: string): string {
  const words = (hex.match(/.{8}/g) ?? []).map((word) => Buffer.from(word, "hex").reverse());
  const bytes = Buffer.concat(words);
  if (hex.length === IPV4_HEX_LENGTH) return [...bytes].join(".");
  const mapped = bytes.subarray(0, 12).equals(Buffer.from("00000000000000000000ffff", "hex"));
  if (mapped) return `::ffff:${[...bytes.subarray(12)].join(".")}`;
  if (bytes.equals(Buffer.from(`${"00".repeat(15)}01`, "hex"))) return "::1";
  return (bytes.toString("hex").match(/.{4}/g) ?? []).join(":");
}

function socketInodes(pid: number): Set<string> {
  const inodes = new Set<string>();
  try {
    for (const name of readdirSync(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(readLink(`/proc/${pid}/fd/${name}`))?.[1];
      if (inode !== undefined) inodes.add(inode);
    }
  } catch {
    // The process ended while we looked.
  }
  return inodes;
}

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, "utf8").trimEnd().split("\n");
  } catch {
    return [];
  }
}
