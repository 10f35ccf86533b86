# SPDX-License-Identifier: Apache-2.0
# What users of the older serving client do over HTTP, with that client as it was published.
# Arguments: addresses of two front ends, the second in dialect A. Prints one line of JSON.
import json
import sys

import httpx
from bigdl.serving.client import InputQueue, http_json_to_ndarray, http_response_to_ndarray

front, older_front = sys.argv[1:3]
seen = {}


def show(value):
    return value if isinstance(value, str) else {"shape": list(value.shape), "data": value.flatten().tolist()}


def ask(path, instance):
    return httpx.post(front + path, data=json.dumps({"instances": [instance]}))


seen["json"] = show(http_json_to_ndarray(ask("/models/numbers/versions/1.0/predict", {"x": ["1.5", "-2"]}).text))
seen["response"] = show(http_response_to_ndarray(ask("/models/sum/versions/1.0/predict", {"x": [[1, 2], [3, 4]]})))
seen["joined"] = show(http_response_to_ndarray(ask("/models/numbers/versions/1.0/predict", {"x": "7|8|9"})))
seen["refused"] = show(http_response_to_ndarray(httpx.post(front + "/predict", data="{")))
seen["unknown"] = show(http_response_to_ndarray(ask("/models/nobody/versions/1/predict", {"x": [1]})))

request = json.dumps({"instances": [{"x": ["1.5", "-2"]}]})
seen["predict"] = InputQueue(frontend_url=older_front).predict(request)
print("SEEN " + json.dumps(seen))
