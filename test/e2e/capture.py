# SPDX-License-Identifier: Apache-2.0
"""Records the TCP traffic of the loopback interface until standard input ends.

Arguments: file for the payloads. Each packet is written as one record: source port, destination port (2 bytes each),
sequence number, length of the payload (4 bytes each), all big-endian, then the payload. Prints "ready" when it
listens, and at the end the number of packets that the kernel dropped. Exit code 77: not permitted.
"""

import os
import select
import socket
import struct
import sys

ETH_P_IP = 0x0800
PACKET_OUTGOING = 4
SO_RCVBUFFORCE = 33
SOL_PACKET = 263
PACKET_STATISTICS = 6
BUFFER_BYTES = 256 * 1024 * 1024
LARGEST_PACKET = 1 << 17
NOT_PERMITTED = 77
TCP = 6


def open_capture() -> socket.socket:
    """A raw socket on the loopback interface."""
    try:
        capture = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
    except PermissionError:
        sys.exit(NOT_PERMITTED)
    try:
        capture.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
    except PermissionError:
        capture.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    capture.bind(("lo", ETH_P_IP))
    return capture


def parse_segment(packet: bytes) -> bytes | None:
    """The record of a TCP segment with a payload, else None."""
    if len(packet) < 40 or packet[0] >> 4 != 4 or packet[9] != TCP:
        return None
    head = (packet[0] & 0x0F) * 4
    source, target, sequence = struct.unpack_from(">HHI", packet, head)
    payload = packet[head + (packet[head + 12] >> 4) * 4 :]
    return struct.pack(">HHII", source, target, sequence, len(payload)) + payload if payload else None


def record(capture: socket.socket, out) -> None:
    """Each packet passes the loopback interface twice, out and in: only the way in counts."""
    packet, address = capture.recvfrom(LARGEST_PACKET)
    segment = parse_segment(packet) if address[2] != PACKET_OUTGOING else None
    if segment is not None:
        out.write(segment)


def main() -> None:
    capture = open_capture()
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
