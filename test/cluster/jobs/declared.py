# SPDX-License-Identifier: Apache-2.0
"""Tells what driver and executors see of what the job file declares, and waits for a file on the claim that ends it.

Arguments: the claim's folder, and a text to say again. Prints "declared JSON".
"""

import json
import os
import socket
import sys
import time

from pyspark import SparkFiles
from pyspark.sql import SparkSession

import beside
import packed

LIMIT_S = 120

folder, text = sys.argv[1:]
spark = SparkSession.builder.getOrCreate()
context = spark.sparkContext


def look(_: int) -> tuple[str, dict]:
    import beside as there

    time.sleep(0.5)
    with open(SparkFiles.get("settings.txt")) as file:
        settings = file.read().strip()
    seen = {
        "env": os.environ.get("WHO"),
        "settings": settings,
        "beside": there.WORD,
        "claim": os.path.exists(f"{folder}/given.txt"),
        "notes": os.path.exists("/mnt/notes"),
        "scratch": os.path.isdir("/mnt/fast"),
        "token": os.path.exists("/var/run/secrets/kubernetes.io/serviceaccount/token"),
    }
    return socket.gethostname(), seen


# With more tasks than one executor takes at once, Spark asks for a second.
executors: dict[str, dict] = {}
end = time.monotonic() + LIMIT_S
while len(executors) < 2 and time.monotonic() < end:
    executors.update(context.parallelize(range(16), 16).map(look).collect())

loader = spark._jvm.Thread.currentThread().getContextClassLoader()
with open(f"{folder}/said.txt", "w") as said:
    said.write(text)
print(
    "declared "
    + json.dumps(
        {
            "text": text,
            "env": os.environ.get("WHO"),
            "beside": beside.WORD,
            "packed": packed.__name__,
            "jar": loader.getResource("marker.txt") is not None,
            "notes": open("/mnt/notes/note.txt").read(),
            "setting": spark.conf.get("spark.sql.shuffle.partitions"),
            "tracking": context.getConf().get("spark.dynamicAllocation.shuffleTracking.enabled"),
            "executors": list(executors.values()),
        }
    ),
    flush=True,
)
while not os.path.exists(f"{folder}/enough"):
    time.sleep(0.25)
spark.stop()
