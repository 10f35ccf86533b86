# SPDX-License-Identifier: Apache-2.0
# What users of the older serving client do, with that client as it was published. Prints one line of JSON.
import json
import sys
import time

import cv2
import numpy as np
from bigdl.serving.client import InputQueue, OutputQueue

host, port, name = "127.0.0.1", sys.argv[1], sys.argv[2]
inputs = InputQueue(host=host, port=port, name=name)
outputs = OutputQueue(host=host, port=port, name=name)
seen = {}


def wait(uri):
    for _ in range(2000):
        value = outputs.query_and_delete(uri)
        if not (isinstance(value, str) and value == "[]"):
            return value
        time.sleep(0.005)
    raise SystemExit("no result for " + uri)


def show(value):
    if isinstance(value, list):
        return [show(each) for each in value]
    return value if isinstance(value, str) else {"shape": list(value.shape), "data": value.flatten().tolist()}


if len(sys.argv) > 3:
    # A picture is answered by a model that gives it back: channel by channel, blue first.
    picture = np.zeros((16, 24, 3), dtype="uint8")
    picture[:, :12] = (250, 120, 10)
    cv2.imwrite(sys.argv[3], picture)
    inputs.enqueue("picture", x=sys.argv[3])
    planes = wait("picture")[0]
    sent = cv2.imdecode(cv2.imencode(".jpg", cv2.imread(sys.argv[3]))[1], cv2.IMREAD_COLOR).transpose(2, 0, 1)
    off = float(np.abs(planes.reshape(sent.shape) - sent).max())
    print("SEEN " + json.dumps({"shape": list(planes.shape), "off": off}))
    sys.exit()

table = np.arange(6, dtype="float32").reshape(2, 3)
inputs.enqueue("dense", x=table)
seen["dense"] = show(wait("dense"))
inputs.enqueue("marked", x=np.full((1, 4), 4711.25))
seen["marked"] = show(wait("marked"))
inputs.enqueue("two words, 100%", x=np.array([[1.0]]))
seen["odd uri"] = show(wait("two words, 100%"))
inputs.enqueue("wrong", x=np.array([1.0]), y=np.array([2.0]))
seen["wrong"] = show(wait("wrong"))
inputs.enqueue("strings", x=["no", "tensor"])
seen["strings"] = show(wait("strings"))
sparse = [np.array([[0, 1], [0, 1]]), np.array([7.0, 9.0]), np.array([2, 2])]
inputs.enqueue("sparse", x=sparse)
seen["sparse"] = show(wait("sparse"))
for index in range(40):
    inputs.enqueue("many-%d" % index, x=np.full((1, 4), index, dtype="float32"))
many = {}
for _ in range(2000):
    many.update(outputs.dequeue())
    if len(many) >= 40:
        break
    time.sleep(0.005)
seen["many"] = all((many["many-%d" % index][0] == index).all() for index in range(40)) if len(many) == 40 else "missing"
seen["predict"] = show(inputs.predict(np.array([[3.0]])))
seen["absent"] = show(outputs.query("nobody"))
print("SEEN " + json.dumps(seen))
