# SPDX-License-Identifier: Apache-2.0
# Strings for a model that reads them as numbers, with the older serving client as it was published.
# Arguments: port and stream of the relay. Prints one line of JSON.
import json
import sys
import time

from bigdl.serving.client import InputQueue, OutputQueue

port, name = sys.argv[1:3]
inputs = InputQueue(host="127.0.0.1", port=port, name=name)
outputs = OutputQueue(host="127.0.0.1", port=port, name=name)
seen = {}
for uri, strings in [("two", ["1.5", "-2"]), ("one", ["3e2"]), ("wrong", ["no", "number"])]:
    inputs.enqueue(uri, x=strings)
    for _ in range(2000):
        value = outputs.query_and_delete(uri)
        if not (isinstance(value, str) and value == "[]"):
            break
        time.sleep(0.005)
    seen[uri] = value if isinstance(value, str) else {"shape": list(value.shape), "data": value.tolist()}
print("SEEN " + json.dumps(seen))
