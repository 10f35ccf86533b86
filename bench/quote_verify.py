# SPDX-License-Identifier: Apache-2.0
"""Verifies one quote again and again with dcap-qvl, and prints the seconds that took."""

import sys
import time

import dcap_qvl

folder, count, now = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with open(f"{folder}/quote.bin", "rb") as file:
    quote = file.read()
with open(f"{folder}/collateral.json", encoding="utf-8") as file:
    collateral = dcap_qvl.QuoteCollateralV3.from_json(file.read())

for _ in range(count // 10):
    dcap_qvl.verify(quote, collateral, now)
started_at = time.perf_counter()
for _ in range(count):
    dcap_qvl.verify(quote, collateral, now)
print(f"seconds={time.perf_counter() - started_at:.6f}")
