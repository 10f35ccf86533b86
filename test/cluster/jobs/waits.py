# SPDX-License-Identifier: Apache-2.0
"""Writes results onto the claim, lets every executor work, and then tells the time until a file says that it is enough.

Arguments: folder of the job on the claim, the file that ends it. Prints "ready on HOST" and "enough".
"""

import os
import socket
import sys
import time

from pyspark import SparkContext

folder, end = sys.argv[1:]
context = SparkContext()
context.parallelize(range(4), 4).map(lambda _: time.sleep(1)).collect()
if not os.path.exists(folder):
    os.makedirs(f"{folder}/results")
    for part in range(3):
        with open(f"{folder}/results/part-{part}", "w") as file:
            file.write(f"part {part}\n" * 1000)
print(f"ready on {socket.gethostname()}", flush=True)
while not os.path.exists(end):
    print("tick", flush=True)
    time.sleep(0.25)
print("enough", flush=True)
context.stop()
