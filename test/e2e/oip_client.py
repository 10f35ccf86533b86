# SPDX-License-Identifier: Apache-2.0
"""An independent client of the Open Inference Protocol (tritonclient) against a server; exits 0 when all is right."""
import sys

import numpy
import tritonclient.grpc as grpc
import tritonclient.http as http
from tritonclient.utils import InferenceServerException

HTTP, GRPC = sys.argv[1], sys.argv[2]
IDENTITIES = {
    "BOOL": numpy.array([[True, False]]),
    "UINT8": numpy.array([[0, 255]], numpy.uint8),
    "UINT16": numpy.array([[0, 65535]], numpy.uint16),
    "UINT32": numpy.array([[0, 2**32 - 1]], numpy.uint32),
    "UINT64": numpy.array([[0, 2**64 - 1]], numpy.uint64),
    "INT8": numpy.array([[-128, 127]], numpy.int8),
    "INT16": numpy.array([[-32768, 32767]], numpy.int16),
    "INT32": numpy.array([[-(2**31), 2**31 - 1]], numpy.int32),
    "INT64": numpy.array([[-(2**63), 2**53 + 1]], numpy.int64),
    "FP16": numpy.array([[0.5, -2.0]], numpy.float16),
    "FP32": numpy.array([[0.1, -1e38]], numpy.float32),
    "FP64": numpy.array([[0.1, 1e300]], numpy.float64),
    "BYTES": numpy.array([["é", ""]], dtype=object),
}


def expect_error(call, text):
    try:
        call()
    except InferenceServerException as error:
        assert text in str(error), error
    else:
        raise AssertionError("no error")


def as_written(array):
    if array.dtype != object:
        return array.tolist()
    return [[value if isinstance(value, str) else value.decode() for value in row] for row in array]


def check(module, server, binary_choices):
    assert server.is_server_live() and server.is_server_ready() and server.is_model_ready("identity-fp32")
    for datatype, array in IDENTITIES.items():
        model = f"identity-{datatype.lower()}"
        for binary in binary_choices:
            if datatype == "FP16" and binary is False:
                continue
            given = module.InferInput("x", list(array.shape), datatype)
            if binary is None:
                given.set_data_from_numpy(array)
                wanted = [module.InferRequestedOutput("z")]
            else:
                given.set_data_from_numpy(array, binary_data=binary)
                wanted = [module.InferRequestedOutput("z", binary_data=binary)]
            result = server.infer(model, [given], outputs=wanted, request_id="7")
            assert as_written(result.as_numpy("z")) == as_written(array), (datatype, binary, result.as_numpy("z"))
            assert result.as_numpy("y") is None
    given = module.InferInput("x", [1, 2], "FP32")
    given.set_data_from_numpy(IDENTITIES["FP32"])
    expect_error(lambda: server.infer("nothing", [given]), "no model")
    expect_error(lambda: server.infer("identity-int8", [given]), "FP32")
    expect_error(lambda: server.infer("identity-fp32", [given], model_version="9"), "no version")


with http.InferenceServerClient(HTTP) as server:
    check(http, server, [True, False])
    assert server.get_model_metadata("identity-fp32")["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 2]}]
    assert server.get_server_metadata()["name"] == "bulwark"
    server.unload_model("identity-bool")
    assert not server.is_model_ready("identity-bool")
    server.load_model("identity-bool")
    assert {row["state"] for row in server.get_model_repository_index()} == {"READY"}
    assert server.get_inference_statistics("identity-fp32")["model_stats"][0]["inference_count"] > 0
with grpc.InferenceServerClient(GRPC) as server:
    check(grpc, server, [None])
    assert server.get_model_metadata("identity-fp32", as_json=True)["platform"] == "onnx_onnxv1"
    assert len(server.get_model_repository_index().models) == len(IDENTITIES)
print("right")
