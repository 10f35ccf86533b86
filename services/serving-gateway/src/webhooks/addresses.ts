// SPDX-License-Identifier: Apache-2.0
import { BlockList, isIP } from "node:net";

/** Networks that are nobody's on the internet: our own, this machine, documentation, multicast (IANA special-purpose registries). */
const IPV4 = [
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"],
  ...["192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"],
];
const IPV6 = [
  ...["::/128", "::1/128", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/32", "2001:db8::/32", "2002::/16"],
  ...["fc00::/7", "fe80::/10", "ff00::/8"],
];

const blocked = new BlockList();
for (const [family, subnets] of [
  ["ipv4", IPV4],
  ["ipv6", IPV6],
] as const) {
  for (const subnet of subnets) {
    const [network = "", bits] = subnet.split("/");
    blocked.addSubnet(network, Number(bits), family);
  }
}

/** Whether an address may lie inside our own network, or is none. An IPv4 address written as IPv6 counts as what it is. */
export function isPrivate(address: string): boolean {
  const family = isIP(address);
  return family === 0 || blocked.check(address, family === 4 ? "ipv4" : "ipv6");
}
