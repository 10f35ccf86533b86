// SPDX-License-Identifier: Apache-2.0
import Long from "long";
import protobuf from "protobufjs";

/**
 * The messages of the Open Inference Protocol's gRPC service, and of Triton's model repository and statistics beside it, in Protocol
 * Buffers 3: names and field numbers are the protocol's (kserve/open-inference-protocol, open_inference_grpc.proto).
 */
const SCHEMA = `
syntax = "proto3";
package inference;

message Nothing {}
message ServerLiveResponse { bool live = 1; }
message ReadyResponse { bool ready = 1; }
message ServerMetadataResponse { string name = 1; string version = 2; repeated string extensions = 3; }
message ModelRequest { string name = 1; string version = 2; }
message TensorMetadata { string name = 1; string datatype = 2; repeated int64 shape = 3; }
message ModelMetadataResponse {
  string name = 1; repeated string versions = 2; string platform = 3;
  repeated TensorMetadata inputs = 4; repeated TensorMetadata outputs = 5;
}
message InferParameter {
  oneof parameter_choice {
    bool bool_param = 1; int64 int64_param = 2; string string_param = 3; double double_param = 4; uint64 uint64_param = 5;
  }
}
message InferTensorContents {
  repeated bool bool_contents = 1; repeated int32 int_contents = 2; repeated int64 int64_contents = 3;
  repeated uint32 uint_contents = 4; repeated uint64 uint64_contents = 5; repeated float fp32_contents = 6;
  repeated double fp64_contents = 7; repeated bytes bytes_contents = 8;
}
message InferTensor {
  string name = 1; string datatype = 2; repeated int64 shape = 3;
  map<string, InferParameter> parameters = 4; InferTensorContents contents = 5;
}
message RequestedOutput { string name = 1; map<string, InferParameter> parameters = 2; }
message ModelInferRequest {
  string model_name = 1; string model_version = 2; string id = 3; map<string, InferParameter> parameters = 4;
  repeated InferTensor inputs = 5; repeated RequestedOutput outputs = 6; repeated bytes raw_input_contents = 7;
}
message ModelInferResponse {
  string model_name = 1; string model_version = 2; string id = 3; map<string, InferParameter> parameters = 4;
  repeated InferTensor outputs = 5; repeated bytes raw_output_contents = 6;
}
message Duration { uint64 count = 1; uint64 ns = 2; }
message InferStatistics {
  Duration success = 1; Duration fail = 2; Duration queue = 3;
  Duration compute_input = 4; Duration compute_infer = 5; Duration compute_output = 6;
}
message Statistics {
  string name = 1; string version = 2; uint64 last_inference = 3; uint64 inference_count = 4;
  uint64 execution_count = 5; InferStatistics inference_stats = 6;
}
message ModelStatisticsResponse { repeated Statistics model_stats = 1; }
message RepositoryIndexRequest { string repository_name = 1; bool ready = 2; }
message ModelIndex { string name = 1; string version = 2; string state = 3; string reason = 4; }
message RepositoryIndexResponse { repeated ModelIndex models = 1; }
message RepositoryModelRequest { string repository_name = 1; string model_name = 2; }
`;

// Whole numbers of 64 bits keep all of their digits.
protobuf.util.Long = Long;
protobuf.configure();
const { root } = protobuf.parse(SCHEMA, { keepCase: true });

export type Whole = number | Long;

export type Contents = {
  bool_contents: boolean[];
  int_contents: number[];
  int64_contents: Whole[];
  uint_contents: number[];
  uint64_contents: Whole[];
  fp32_contents: number[];
  fp64_contents: number[];
  bytes_contents: Uint8Array[];
};
export type WireParameters = Readonly<Record<string, Readonly<Record<string, boolean | string | Whole>>>>;
export type WireTensor = {
  name: string;
  datatype: string;
  shape: Whole[];
  parameters?: WireParameters;
  contents?: Partial<Contents> | null;
};
export type WireRequest = {
  model_name: string;
  model_version: string;
  id: string;
  parameters: WireParameters;
  inputs: WireTensor[];
  outputs: { name: string; parameters: WireParameters }[];
  raw_input_contents: Uint8Array[];
};
export type WireResponse = {
  model_name: string;
  model_version: string;
  id: string;
  outputs: WireTensor[];
  raw_output_contents: Uint8Array[];
};

/** How a message becomes bytes and comes back. */
export type Codec = { encode(message: object): Buffer; decode(bytes: Buffer): unknown };

/** The codec of a message of the schema. */
export function codecOf(name: string): Codec {
  const type = root.lookupType(`inference.${name}`);
  return {
    encode: (message) => Buffer.from(type.encode(message).finish()),
    decode: (bytes) => type.decode(bytes),
  };
}
