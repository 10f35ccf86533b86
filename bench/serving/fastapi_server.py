# SPDX-License-Identifier: Apache-2.0
"""FastAPI with uvicorn, uvloop, httptools and orjson, calling ONNX Runtime in the handler: JSON of the OIP."""
import sys

import numpy
import onnxruntime
import orjson
import uvicorn
from fastapi import FastAPI, Request, Response

MODEL, PORT = sys.argv[1], int(sys.argv[2])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(MODEL, options, providers=["CPUExecutionProvider"])
app = FastAPI()


@app.get("/ready")
async def ready():
    return {"ready": True}


@app.post("/v2/models/model/infer")
async def infer(request: Request):
    [given] = orjson.loads(await request.body())["inputs"]
    data = numpy.array(given["data"], dtype=numpy.float32).reshape(given["shape"])
    [result] = session.run(None, {given["name"]: data})
    output = {"name": "y", "datatype": "FP32", "shape": list(result.shape), "data": result.ravel().tolist()}
    return Response(orjson.dumps({"model_name": "model", "outputs": [output]}), media_type="application/json")


uvicorn.run(app, host="127.0.0.1", port=PORT, loop="uvloop", http="httptools", log_level="error", access_log=False)
