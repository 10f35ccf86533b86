# SPDX-License-Identifier: Apache-2.0
"""Ray Serve with one replica and its dynamic batching: JSON read by orjson, as fast as its proxy allows."""
import sys
import threading

import numpy
import onnxruntime
import orjson
import ray
from ray import serve
from starlette.requests import Request
from starlette.responses import Response

MODEL, PORT, INPUT, SHAPE, MAX_BATCH = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5])


@serve.deployment(num_replicas=1, max_ongoing_requests=256, ray_actor_options={"num_cpus": 0})
class Model:
    def __init__(self, model, name, shape):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.name = name
        self.shape = shape

    @serve.batch(max_batch_size=MAX_BATCH, batch_wait_timeout_s=0.002 if MAX_BATCH > 1 else 0.0)
    async def run(self, rows):
        if len(rows) == 1:
            return [self.session.run(None, {self.name: rows[0]})[0]]
        return list(self.session.run(None, {self.name: numpy.concatenate(rows)})[0])

    async def __call__(self, request: Request):
        given = orjson.loads(await request.body())["data"]
        row = numpy.asarray(given, dtype=numpy.float32).reshape(self.shape)
        result = await self.run(row)
        return Response(orjson.dumps({"data": result.ravel().tolist()}), media_type="application/json")


ray.init(num_cpus=1, include_dashboard=False, configure_logging=False, log_to_driver=False)
serve.start(http_options={"host": "127.0.0.1", "port": PORT})
serve.run(Model.bind(MODEL, INPUT, [int(size) for size in SHAPE.split(",")]))
threading.Event().wait()
