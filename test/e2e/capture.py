# SPDX-License-Identifier: Apache-2.0
"""Records the TCP traffic of an interface, or of all, until standard input ends.

Arguments: file for the payloads, interface ("any": all but loopback). Each packet is written as one record: source
address, destination address (4 bytes each), source port, destination port (2 bytes each), sequence number, length of
the payload (4 bytes each), all big-endian, then the payload. Prints "ready" when it listens, and at the end the number
of packets that the kernel dropped. Exit code 77: not permitted.
"""

import os
import select
import socket
import struct
import sys

ETH_P_IP = 0x0800
# Packets that pass a bridge are handed on before anyone gets them who asks for IP alone.
ETH_P_ALL = 0x0003
PACKET_OUTGOING = 4
SO_RCVBUFFORCE = 33
SOL_PACKET = 263
PACKET_STATISTICS = 6
BUFFER_BYTES = 256 * 1024 * 1024
LARGEST_PACKET = 1 << 17
NOT_PERMITTED = 77
TCP = 6


def open_capture(interface: str) -> socket.socket:
    """A raw socket on an interface."""
    protocol = ETH_P_ALL if interface == "any" else ETH_P_IP
    try:
        capture = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(protocol))
    except PermissionError:
        sys.exit(NOT_PERMITTED)
    try:
        capture.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
    except PermissionError:
        capture.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    if interface != "any":
        capture.bind((interface, protocol))
    return capture


def parse_segment(packet: bytes) -> bytes | None:
    """The record of a TCP segment over IPv4 with a payload, else None."""
    if len(packet) < 40 or packet[0] >> 4 != 4 or packet[9] != TCP:
        return None
    head = (packet[0] & 0x0F) * 4
    source, target, sequence = struct.unpack_from(">HHI", packet, head)
    payload = packet[head + (packet[head + 12] >> 4) * 4 :]
    ports = struct.pack(">HHII", source, target, sequence, len(payload))
    return packet[12:20] + ports + payload if payload else None


def record(capture: socket.socket, out) -> None:
    """Each packet passes an interface of this machine twice, out and in: only the way in counts."""
    packet, (interface, protocol, kind, *_) = capture.recvfrom(LARGEST_PACKET)
    counts = kind != PACKET_OUTGOING and protocol == ETH_P_IP and (interface != "lo" or sys.argv[2] == "lo")
    segment = parse_segment(packet) if counts else None
    if segment is not None:
        out.write(segment)


def main() -> None:
    capture = open_capture(sys.argv[2])
    with open(sys.argv[1], "wb", buffering=1 << 20) as out:
        print("ready", flush=True)
        over = False
        while not over:
            readable, _, _ = select.select([capture, sys.stdin], [], [])
            if capture in readable:
                record(capture, out)
            elif sys.stdin in readable:
                over = os.read(sys.stdin.fileno(), 1) == b""
    _, dropped = struct.unpack("II", capture.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
    print(f"dropped {dropped}")


if __name__ == "__main__":
    main()
