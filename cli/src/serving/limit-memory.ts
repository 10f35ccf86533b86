// SPDX-License-Identifier: Apache-2.0

/** What Node sets aside and hardly uses, for machine code, stacks and arenas: it counts towards the system's limit. */
const SET_ASIDE_BYTES = 2 ** 31;
const KIB = 1024;

export type Program = { command: string; args: readonly string[] };

/**
 * A program that gets no more memory than it may use (RLIMIT_DATA): what a model asks for beyond that fails within the
 * model, before the system has to kill a process of its choice. 0 sets no limit.
 */
export function limitMemory({ command, args }: Program, bytes: number): Program {
  if (bytes === 0) return { command, args };
  const script = `ulimit -d ${Math.ceil((bytes + SET_ASIDE_BYTES) / KIB)} 2>/dev/null; exec "$0" "$@"`;
  return { command: "/bin/sh", args: ["-c", script, command, ...args] };
}
